"""How a run says that something of its folder cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager

from simam_jax.errors import StorageError


@contextmanager
def storing(what: str, *kinds: type[Exception]) -> Iterator[None]:
    """Within the block `what` is written; the `kinds` are a library's own errors for what is an OSError elsewhere.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        yield
    except (OSError, *kinds) as error:
        raise StorageError(
            f"cannot write {what}: {getattr(error, 'strerror', None) or error}; make room there, or make it writable, "
            f"and run the same command again to go on from the last checkpoint"
        ) from error
