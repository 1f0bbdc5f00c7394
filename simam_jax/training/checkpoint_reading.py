"""Reading one checkpoint, in all processes of a run alike. Knows Orbax, for `simam_jax.training.checkpoints`."""

import contextlib
import logging
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import jax
import numpy as np
import orbax.checkpoint as v0
from orbax.checkpoint import v1 as ocp

from simam_jax.errors import StorageError
from simam_jax.training.causes import from_devices, from_storage
from simam_jax.training.checksum import checksum
from simam_jax.training.processes import from_all

_LONGEST_REASON = 300  # characters; Orbax says more than anybody would read

T = TypeVar("T")


class DamagedError(StorageError):
    """A checkpoint's files could be read and hold something wrong, in every process."""


def is_damaged(path: Path) -> bool:
    """Whether Orbax cannot open a checkpoint, or it has lost what it was saved with beside the state.

    Raises:
        StorageError: it cannot be read.
        OSError: there is no place for a temporary folder.
    """
    with links_to([path]) as view:
        try:
            _in_all(path, partial(_check, path, view))
        except DamagedError:
            return True
    return False


def read_state(path: Path, like: T) -> T:
    """A checkpoint's state, on the devices.

    Args:
        path: the checkpoint.
        like: pytree of `jax.ShapeDtypeStruct` with shardings.

    Raises:
        DamagedError: it is damaged, to all processes of the run.
        StorageError: to some it is damaged and to others not, or one cannot read it as storage is.
    """
    # Whole, in every process, of which each would else read its own part and alone notice damage there.
    state = _in_all(path, partial(_read, path, jax.tree.map(_on_host, like)))
    return jax.tree.map(_on_devices, state, like)


def kept_with(path: Path) -> dict[str, Any]:
    """What we keep with a checkpoint beside Orbax's own: its checksum and its metrics."""
    kept = ocp.metadata(str(path)).custom_metadata
    return kept if isinstance(kept, dict) else {}


@contextlib.contextmanager
def links_to(saved: list[Path]) -> Iterator[Path]:
    """A folder that shows some checkpoints of another: Orbax opens all that a folder has, or none."""
    with tempfile.TemporaryDirectory(prefix=".view-") as view:
        for path in saved:
            Path(view, path.name).symlink_to(path)
        yield Path(view)


@contextlib.contextmanager
def silent_orbax() -> Iterator[None]:
    """Orbax logs the traceback of whatever it is about to raise, once for every thread that it passes."""
    log = logging.getLogger("absl")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def shorten(error: Exception) -> str:
    """An error of Orbax's in fewer words."""
    return textwrap.shorten(str(error), _LONGEST_REASON, placeholder=" …")


def _in_all(path: Path, read: Callable[[], T]) -> T:
    """What reading a checkpoint gives, where all processes can read it; raises as `read_state`."""
    value, damage = None, None
    try:
        with silent_orbax():
            value = read()
    # Orbax and TensorStore raise almost anything on damaged files.
    except Exception as error:
        if reason := from_storage(error):
            raise StorageError(
                f"cannot read {_describe(path)}: {reason}; it may be whole, and is left as it is: run the same command "
                f"again when it can be read"
            ) from error
        if isinstance(error, MemoryError) or from_devices(error):
            raise
        damage = error
    said = from_all(None if damage is None else f"{_describe(path)} is damaged: {shorten(damage)}")
    if not any(said):
        return cast(T, value)
    if all(said):
        raise DamagedError(said[0]) from damage
    raise StorageError(
        f"{next(filter(None, said))}; but only to process {', '.join(str(i) for i, each in enumerate(said) if each)} "
        f"of {len(said)}: it is left as it is; see that all read the same files, and run the same command again"
    )


def _check(path: Path, view: Path) -> None:
    """Opens a checkpoint as `Checkpoints` will, but for itself: of the other processes one may have failed."""
    own = jax.process_index()
    alone = v0.options.MultiprocessingOptions(primary_host=own, active_processes={own})
    options = v0.CheckpointManagerOptions(create=False, read_only=True, multiprocessing_options=alone)
    with v0.CheckpointManager(view, options=options) as manager:
        found = manager.metadata(int(path.name)).metrics
    kept = kept_with(path)
    if "checksum" not in kept or (found or None) != kept.get("metrics"):
        raise ValueError("it has lost its checksum or its metrics")


def _read(path: Path, like: T) -> T:
    own = jax.process_index()
    context = ocp.Context()
    context.multiprocessing.primary_host, context.multiprocessing.active_processes = own, {own}
    with context:
        state = ocp.load(str(path), like)
    kept = kept_with(path)
    if checksum(state, kept.get("metrics")) != kept.get("checksum"):
        raise ValueError("its checksum is wrong")
    return state


def _describe(path: Path) -> str:
    return f"the checkpoint of step {path.name} in {path.parent}"


def _on_host(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
    """What has Orbax give an array of NumPy; takes no memory itself."""
    return np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)


def _on_devices(values: np.ndarray, like: jax.ShapeDtypeStruct) -> jax.Array:
    return jax.make_array_from_callback(like.shape, like.sharding, lambda part: values[part])
