"""Learning rates as functions of the step."""

import itertools
import math
from collections.abc import Callable

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from simam_jax.training.epochs import Epochs


def create_schedule(
    *,
    name: str,
    learning_rate: float,
    warmup_epochs: float = 0.0,
    t_max: int = 0,
    milestones: tuple = (),
    decay: float = 0.1,
    epochs: Epochs,
) -> optax.Schedule:
    """The learning rate of every step, counted from 0.

    Args:
        name: "cosine" falls from `learning_rate` to 0 over the whole run; "cosine_wave" is the seed as it ran,
            ½·lr·(1 + cos(π·t / t_max)) with t in steps, down and up again and so on; "step" multiplies by `decay` at
            each of the `milestones`; "constant".
        learning_rate: the peak.
        warmup_epochs: length of a linear rise from 0 that comes first; the schedule proper takes the steps after it.
            It moves no milestone.
        t_max: half a period of "cosine_wave" in steps; 0 means the number of epochs, which is how the seed has it.
        milestones: of "step": the epochs, counted from 0, before whose first step the rate falls; fractions of an
            epoch will do.
        decay: of "step": the factor, between 0 and 1.
        epochs: of the whole run.

    Raises:
        ValueError: an unknown name; a learning rate that is not positive and finite; a warm-up that is negative or
            takes the whole run; milestones that do not rise, or are not between the warm-up and the end of the run; or
            a decay out of range.
    """
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate must be positive and finite, got {learning_rate}")
    if not 0 <= warmup_epochs < epochs.count:
        raise ValueError(f"warmup_epochs must be at least 0 and below the {epochs.count} epochs, got {warmup_epochs}")
    if t_max < 0:
        raise ValueError(f"t_max is a number of steps, or 0 for the number of epochs; got {t_max}")
    if name == "step":
        _check_milestones(milestones, warmup_epochs, epochs.count)
    if not 0 < decay < 1:
        raise ValueError(f"decay is a factor between 0 and 1, got {decay}")
    warmup = round(warmup_epochs * epochs.steps / epochs.count)
    half_period = t_max or epochs.count

    def cosine_wave(step: Int[Array, ""] | int) -> Float[Array, ""]:
        return 0.5 * learning_rate * (1 + jnp.cos(math.pi * step / half_period))

    def stairs(step: Int[Array, ""] | int) -> Float[Array, ""]:
        falls = jnp.array([epochs.start(milestone) - warmup for milestone in milestones])
        rates = jnp.array([learning_rate * decay**fallen for fallen in range(len(milestones) + 1)])
        return rates[jnp.searchsorted(falls, step, side="right")]

    schedules: dict[str, Callable] = {
        "constant": optax.constant_schedule(learning_rate),
        "cosine": optax.cosine_decay_schedule(learning_rate, max(epochs.steps - warmup, 1)),
        "cosine_wave": cosine_wave,
        "step": stairs,
    }
    if name not in schedules:
        raise ValueError(f"unknown schedule {name!r}: it is one of {', '.join(schedules)}")
    if not warmup:
        return schedules[name]
    rise = optax.linear_schedule(0.0, learning_rate, warmup)
    return optax.join_schedules([rise, schedules[name]], [warmup])


def _check_milestones(milestones: tuple, warmup_epochs: float, count: int) -> None:
    if not milestones:
        raise ValueError("milestones are missing: name the epochs before which step lowers the rate, such as 82,123")
    marks = (warmup_epochs, *milestones, count)
    numbers = all(isinstance(mark, int | float) for mark in marks)
    if not numbers or not all(earlier < later for earlier, later in itertools.pairwise(marks)):
        after = f"the warm-up of {warmup_epochs} epochs" if warmup_epochs else "epoch 0"
        raise ValueError(f"milestones must rise, after {after} and below the run's {count} epochs; got {milestones}")
