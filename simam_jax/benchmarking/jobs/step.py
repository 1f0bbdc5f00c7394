"""Training steps of a network: their time, their memory, and the weights that all start from."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from simam_jax.benchmarking.jobs.job import Job, Spec
from simam_jax.interop.torch import to_torch
from simam_jax.models.registry import create_model
from simam_jax.ops.implementation import implementation
from simam_jax.profiling.memory import PeakMemory
from simam_jax.profiling.network import summarise
from simam_jax.profiling.train_step import (
    LEARNING_STEPS,
    StepState,
    first_state,
    initial_variables,
    make_step,
    random_batch,
)

# Forward once, and backward twice as much: by the input and by the weights.
_FLOPS_A_MULTIPLY_ADD = 2 * 3


def step_job(spec: Spec) -> Job:
    """Training steps, one after the other, on one batch.

    Takes "network", "attention", "dtype", "image_size", "batch", "classes" and "implementation". The facts have the
    losses of the first steps, which learn, "work" in floating-point operations a step, and when the first was done.
    """
    stepper = _Stepper(spec)
    losses = [float(stepper.step())]
    first = time.time()
    losses += [float(stepper.step()) for _ in range(LEARNING_STEPS - 1)]
    layers = summarise(_model(spec), image_size=spec["image_size"])
    work = _FLOPS_A_MULTIPLY_ADD * layers["totals"]["multiply_adds"] * spec["batch"]
    return Job(stepper.run, {"losses": losses, "work": work, "first_step_at": first})


def memory_job(spec: Spec) -> Job:
    """The most memory that steps take, beyond what the process takes without them; takes what `step_job` takes."""
    peak = PeakMemory()
    stepper = _Stepper(spec)
    stepper.run(2)
    peak.forget_the_past()
    stepper.run(3)
    return Job(stepper.run, {"bytes": peak.bytes(), "compiled_bytes": stepper.compiled_bytes()})


def weights_job(spec: Spec) -> Job:
    """Writes the weights and the batch that a step begins with to the file "exchange", for contestants without JAX.

    Arrays of the file: "images" (B, H, W, 3), "labels" (B,), and "weights/NAME" under PyTorch's names and layouts.
    """
    images, labels = random_batch(spec["batch"], spec["image_size"], spec["classes"])
    arrays: dict[str, Any] = {"images": images, "labels": labels}
    weights = to_torch(spec["network"], initial_variables(_model(spec), spec["image_size"]))
    arrays |= {f"weights/{name}": array for name, array in weights.items()}
    np.savez(spec["exchange"], **arrays)
    return Job(lambda _: None)


class _Stepper:
    """A compiled step, and the state that it goes on with."""

    def __init__(self, spec: Spec):
        model = _model(spec)
        self._state = first_state(initial_variables(model, spec["image_size"]))
        images, labels = random_batch(spec["batch"], spec["image_size"], spec["classes"])
        self._batch = jnp.asarray(images), jnp.asarray(labels)
        with implementation(spec["implementation"]):
            lowered = jax.jit(make_step(model), donate_argnums=0).lower(self._state, *self._batch)
        self._compiled: Callable[..., tuple[StepState, jax.Array]] = lowered.compile()

    def step(self) -> jax.Array:
        self._state, loss = self._compiled(self._state, *self._batch)
        return loss

    def run(self, iterations: int) -> None:
        for _ in range(iterations):
            self.step()
        jax.block_until_ready(self._state)

    def compiled_bytes(self) -> int | None:
        """What the compiler says that arguments, outputs and temporaries take together; None where it does not say."""
        account: Any = getattr(self._compiled, "memory_analysis", lambda: None)()
        if account is None:
            return None
        sizes = account.argument_size_in_bytes + account.output_size_in_bytes - account.alias_size_in_bytes
        return int(sizes + account.temp_size_in_bytes)


def _model(spec: Spec) -> nn.Module:
    return create_model(
        spec["network"],
        num_classes=spec["classes"],
        attention=spec["attention"],
        placement=spec.get("placement", "auto"),
        dtype=spec["dtype"],
    )
