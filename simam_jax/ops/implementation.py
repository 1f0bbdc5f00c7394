"""Which implementation the operations run with: this project's, or XLA's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, get_args

Implementation = Literal["auto", "own", "xla"]

_chosen: ContextVar[Implementation] = ContextVar("implementation", default="auto")


@contextmanager
def implementation(name: Implementation) -> Iterator[None]:
    """Chooses for everything traced inside: a function that `jax.jit` has traced before keeps what it had.

    Args:
        name: `auto` is the fastest known for the platform, the shape and the number of devices, `own` is this project's
            wherever it can run, `xla` is stock XLA.

    Raises:
        ValueError: any other name.
    """
    if name not in get_args(Implementation):
        raise ValueError(f"implementation is one of {', '.join(get_args(Implementation))}, got {name!r}")
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def chosen() -> Implementation:
    """What is chosen here, while tracing."""
    return _chosen.get()
