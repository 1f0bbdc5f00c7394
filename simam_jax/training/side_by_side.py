"""Several runs in one program, where one alone would leave the device waiting."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

T = TypeVar("T")


def side_by_side(function: Callable[..., T], platform: str) -> Callable[..., tuple[T, ...]]:
    """One run's function as a function of several, whose arguments and results are tuples with one of every run.

    On a CPU each run's operations stand in the program by themselves, and one run's fill the pauses of another's:
    convolutions that have a kernel for each run (`jax.vmap`), or that are in a loop (`jax.lax.map`), are many times
    slower there. Elsewhere it is `jax.vmap`, and every operation does its part for all runs at once. A run's results
    are those that it has alone, to rounding.

    Args:
        function: pure, of pytrees of arrays; their shapes are the same in every run.
        platform: that the program is for: cpu, gpu or tpu.
    """

    def together(*arguments: tuple[PyTree, ...]) -> tuple[T, ...]:
        runs = list(zip(*arguments, strict=True))
        if len(runs) == 1 or platform == "cpu":
            return tuple(function(*own) for own in runs)
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *runs)
        results: Any = jax.vmap(function)(*stacked)
        return tuple(jax.tree.map(lambda leaf, place=place: leaf[place], results) for place in range(len(runs)))

    return together
