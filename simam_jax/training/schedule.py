"""Learning rates as functions of the step."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int


def create_schedule(
    *,
    name: str,
    learning_rate: float,
    warmup_epochs: float = 0.0,
    t_max: int = 0,
    steps: int,
    epochs: int,
) -> optax.Schedule:
    """The learning rate of every step, counted from 0.

    Args:
        name: "cosine" falls from `learning_rate` to 0 over the whole run; "cosine_wave" is the seed as it ran,
            ½·lr·(1 + cos(π·t / t_max)) with t in steps, down and up again and so on; "constant".
        learning_rate: the peak.
        warmup_epochs: length of a linear rise from 0 that comes first; the schedule proper takes the steps after it.
        t_max: half a period of "cosine_wave" in steps; 0 means the number of epochs, which is how the seed has it.
        steps: of the whole run.
        epochs: of the whole run.

    Raises:
        ValueError: an unknown name, a learning rate that is not positive and finite, or a warm-up that is negative or
            takes the whole run.
    """
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate must be positive and finite, got {learning_rate}")
    if not 0 <= warmup_epochs < epochs:
        raise ValueError(f"warmup_epochs must be at least 0 and below the {epochs} epochs, got {warmup_epochs}")
    if t_max < 0:
        raise ValueError(f"t_max is a number of steps, or 0 for the number of epochs; got {t_max}")
    warmup = round(warmup_epochs * steps / epochs)
    half_period = t_max or epochs

    def cosine_wave(step: Int[Array, ""] | int) -> Float[Array, ""]:
        return 0.5 * learning_rate * (1 + jnp.cos(math.pi * step / half_period))

    schedules: dict[str, Callable] = {
        "constant": optax.constant_schedule(learning_rate),
        "cosine": optax.cosine_decay_schedule(learning_rate, max(steps - warmup, 1)),
        "cosine_wave": cosine_wave,
    }
    if name not in schedules:
        raise ValueError(f"unknown schedule {name!r}: it is one of {', '.join(schedules)}")
    if not warmup:
        return schedules[name]
    rise = optax.linear_schedule(0.0, learning_rate, warmup)
    return optax.join_schedules([rise, schedules[name]], [warmup])
