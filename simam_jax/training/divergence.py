"""Noticing a loss that is no number without making the device wait."""

import math
from collections import deque

import jax

from simam_jax.errors import DivergedError
from simam_jax.training.metrics import TrainMetrics

# Steps that may be on their way: their numbers are read when they are this old, so that the device always has work.
IN_FLIGHT = 2


def check_evaluated(split: str, step: int, loss: float) -> None:
    """Raises DivergedError where the loss on a split is not finite, as where batch norms' running statistics are not.

    Args:
        split: its name.
        step: updates done before.
        loss: the mean over its images.
    """
    if not math.isfinite(loss):
        raise DivergedError(f"the loss on {split} after step {step} is {loss}")


class DivergenceWatch:
    """Reads every step's loss and gradient norm, a little late."""

    def __init__(self):
        self._pending: deque[tuple[int, jax.Array, jax.Array]] = deque()

    def add(self, step: int, metrics: TrainMetrics) -> None:
        """Takes the metrics of the update that made `step`; raises DivergedError for one a few steps back."""
        self._pending.append((step, metrics.loss.total, metrics.grad_norm.total))
        while len(self._pending) > IN_FLIGHT:
            self._check()

    def settle(self) -> None:
        """Waits for every step so far; raises DivergedError where one was not finite."""
        while self._pending:
            self._check()

    def _check(self) -> None:
        step, *numbers = self._pending.popleft()
        loss, grad_norm = (float(number) for number in jax.device_get(numbers))
        if not math.isfinite(loss):
            raise DivergedError(f"the loss of step {step} is {loss}")
        if not math.isfinite(grad_norm):
            raise DivergedError(f"the gradient of step {step} is not finite (norm {grad_norm})")
