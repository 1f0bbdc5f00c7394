"""Which implementation the operations run with: this project's, or XLA's own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

import jax

IMPLEMENTATIONS = ("auto", "own", "xla")

_chosen: ContextVar[str] = ContextVar("implementation", default="auto")


def implementation(name: str) -> AbstractContextManager[None]:
    """Chooses for everything traced inside: a function that `jax.jit` has traced before keeps what it had.

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


def may_go_in_turn() -> bool:
    """Whether images may be worked on one after another here: a batch split over devices would be gathered for it."""
    return chosen() == "own" or (chosen() == "auto" and jax.device_count() == 1)
