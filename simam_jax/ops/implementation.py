"""Which implementation the operations run with: this project's, or XLA's own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

import jax
from jaxtyping import Array

from simam_jax.ops.meshes import has_explicit_axes

IMPLEMENTATIONS = ("auto", "own", "xla")

_chosen: ContextVar[str] = ContextVar("implementation", default="auto")


def implementation(name: str) -> AbstractContextManager[None]:
    """Chooses for everything that this thread traces inside.

    JAX knows nothing of it: what `jax.jit` has traced before keeps what it had, under another `jax.jit` too.

    Args:
        name: `auto` is the fastest known for the platform, the shape and the number of devices, `own` is this project's
            wherever it can run, `xla` is stock XLA.

    Raises:
        ValueError: any other name.
    """
    if name not in IMPLEMENTATIONS:
        raise ValueError(f"implementation is one of {', '.join(IMPLEMENTATIONS)}, got {name!r}")
    return _choose(name)


@contextmanager
def _choose(name: str) -> Iterator[None]:
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def chosen() -> str:
    """What is chosen here, while tracing."""
    return _chosen.get()


def may_go_in_turn(x: Array) -> bool:
    """Whether x's images may be worked on one after another: a batch split over devices would be gathered for it."""
    if has_explicit_axes(x):
        return False
    return chosen() == "own" or (chosen() == "auto" and jax.device_count() == 1)
