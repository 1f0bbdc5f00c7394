"""A run's checkpoints: the best, the latest and the one before it. The only file that knows Orbax."""

import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from simam_jax.errors import StorageError, UsageError
from simam_jax.training.processes import from_first, is_first, several, wait_for_all
from simam_jax.training.replacement import check_writable, replacing, undo_replacements

_LONGEST_REASON = 300  # characters; Orbax says more than anybody would read

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Best(NamedTuple):
    """The best checkpoint: its step and its metric."""

    step: int
    value: float


class Checkpoints:
    """Reads and writes RUN/checkpoints.

    A checkpoint with a metric was the best of its run when it was saved; the newest of those is the best, since only a
    strictly better one is given a metric. A checksum over every leaf is kept with it and compared when it is read.
    """

    def __init__(self, folder: Path, *, writable: bool = False):
        """Opens the folder.

        Args:
            folder: RUN/checkpoints.
            writable: make it if need be, clear away what an interrupted save left, and remove damaged checkpoints;
                else they are passed over. Either is said in a warning.

        Raises:
            UsageError: there is no such folder to read.
            StorageError: there are checkpoints and all are damaged.
        """
        self._folder = folder.resolve()
        self._view = contextlib.ExitStack()
        if writable:
            from_first(partial(undo_replacements, self._folder))
        elif not folder.is_dir():
            raise UsageError(f"no checkpoints in {folder}")
        saved = from_first(partial(_step_folders, self._folder))
        damaged = _damaged(saved)
        if saved and len(damaged) == len(saved):
            raise StorageError(_all_damaged(self._folder))
        for path in damaged:
            _log.warning("warning: the checkpoint %s is damaged and %s", path, "removed" if writable else "passed over")
            if writable:
                from_first(partial(shutil.rmtree, path))
        if writable:
            self._orbax = _open(self._folder, writable=True)
        else:
            whole = [path for path in saved if path not in damaged]
            self._orbax = _open(self._view.enter_context(_links_to(whole)), writable=False)

    @property
    def steps(self) -> list[int]:
        """Steps that have a checkpoint, ascending."""
        return [checkpoint.step for checkpoint in self._orbax.checkpoints]

    @property
    def best(self) -> Best | None:
        """The best checkpoint, if one was good enough to be called so."""
        scored = [Best(c.step, _metric(c.metrics)) for c in self._orbax.checkpoints if c.metrics]
        return max(scored, key=lambda best: best.value, default=None)

    def checksum(self, step: int) -> str | None:
        """What was computed over every leaf of a step's state when it was saved; equal for equal bits."""
        return _own(self._orbax.metadata(step)).get("checksum")

    def save(self, step: int, state: PyTree, *, best_value: float | None = None) -> None:
        """Saves a state, in place of an earlier one of the same step; all processes of a run do so together.

        Args:
            step: updates done.
            state: pytree of arrays.
            best_value: the metric by which this is the best state so far; None where it is not.

        Raises:
            StorageError: the disk is full or cannot be written; earlier checkpoints are as they were.
        """
        metrics: dict[str, Any] | None = None if best_value is None else {"value": best_value}
        try:
            # Where it cannot write, Orbax waits five minutes before it says so.
            check_writable(self._folder)
            with replacing(self._folder / str(step)) if is_first() else contextlib.nullcontext(), _silent_orbax():
                wait_for_all()  # until what is replaced is out of the way
                self._orbax.reload()
                self._orbax.save(
                    step,
                    state,
                    force=True,
                    metrics=metrics,
                    custom_metadata={"checksum": _checksum(state, metrics), "metrics": metrics},
                )
        except Exception as error:
            self._orbax.reload()
            raise StorageError(
                f"cannot save the checkpoint of step {step} in {self._folder}: {_shorten(error)}; make room there, "
                f"or make it writable, and run the same command again to go on from the checkpoint before"
            ) from error

    def load(self, step: int, like: T) -> T:
        """The state of a step.

        Args:
            step: one of `steps`.
            like: pytree of `jax.ShapeDtypeStruct` with shardings.

        Raises:
            StorageError: the checkpoint is damaged.
        """
        place = f"the checkpoint of step {step} in {self._folder}"
        try:
            with _silent_orbax():
                # Whole, in every process, of which each would else read its own part and alone notice damage there.
                state = self._orbax.load(step, jax.tree.map(_on_host, like))
            metadata = self._orbax.metadata(step)
            saved = self.checksum(step)
            found = _checksum(state, metadata.metrics)
        # Orbax and TensorStore raise almost anything on damaged files.
        except Exception as error:
            raise StorageError(f"{place} is damaged: {_shorten(error)}") from error
        if saved != found:
            raise StorageError(f"{place} is damaged: its checksum is wrong")
        return jax.tree.map(_on_devices, state, like)

    def load_latest(self, like: T) -> tuple[int, T] | None:
        """The newest state that is whole, and its step; damaged newer ones are removed with a warning.

        Returns None where there is no checkpoint at all.

        Raises:
            StorageError: there are checkpoints and all are damaged.
        """
        steps = self.steps
        for step in reversed(steps):
            try:
                return step, self.load(step, like)
            except StorageError as error:
                _log.warning("warning: %s; using the one before it", error)
        if steps:
            raise StorageError(_all_damaged(self._folder))
        return None

    def remove_after(self, step: int) -> None:
        """Removes checkpoints later than `step`."""
        later = [self._folder / str(other) for other in self.steps if other > step]
        for path in later:
            from_first(partial(shutil.rmtree, path))
        self._orbax.reload()

    def close(self) -> None:
        """Frees Orbax's threads."""
        # A save that failed fails here again; `save` has reported it.
        with contextlib.suppress(Exception), _silent_orbax():
            self._orbax.close()
        self._view.close()


def _open(folder: Path, writable: bool) -> ocp.training.Checkpointer:
    policies = ocp.training.preservation_policies
    best = policies.BestN(get_metric_fn=_metric, n=1, keep_checkpoints_without_metrics=False)
    either = policies.AnyPreservationPolicy([policies.LatestN(2), best])
    return ocp.training.Checkpointer(
        str(folder),
        # Orbax disagrees with itself on what a policy is given.
        preservation_policy=either,  # pyright: ignore[reportArgumentType]
        cleanup_tmp_directories=writable,
    )


def _step_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.isdecimal())


@contextlib.contextmanager
def _links_to(saved: list[Path]) -> Iterator[Path]:
    """A folder that shows some checkpoints of another: Orbax opens all that a folder has, or none.

    It opens it in all processes of a run, and wants the same one in all: there it lies beside the checkpoints' own.
    """
    beside = saved[0].parent.parent if saved and several() else None
    view = Path(from_first(lambda: tempfile.mkdtemp(dir=beside, prefix=".view-")))
    try:
        from_first(partial(_link, view, saved))
        yield view
    finally:
        wait_for_all()
        if is_first():
            shutil.rmtree(view, ignore_errors=True)


def _link(view: Path, saved: list[Path]) -> None:
    for path in saved:
        (view / path.name).symlink_to(path)


def _damaged(saved: list[Path]) -> list[Path]:
    """Checkpoints that cannot be opened, or that have lost the metrics they were saved with."""
    damaged = []
    for path in saved:
        try:
            with (
                _silent_orbax(),
                _links_to([path]) as alone,
                contextlib.closing(_open(alone, writable=False)) as orbax,
            ):
                metadata = orbax.metadata(int(path.name))
            whole = (metadata.metrics or None) == _own(metadata).get("metrics")
        # Orbax raises almost anything on damaged files.
        except Exception:
            whole = False
        if not whole:
            damaged.append(path)
    return damaged


@contextlib.contextmanager
def _silent_orbax() -> Iterator[None]:
    """Orbax logs the traceback of whatever it is about to raise, once for every thread that it passes."""
    log = logging.getLogger("absl")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _shorten(error: Exception) -> str:
    return textwrap.shorten(str(error), _LONGEST_REASON, placeholder=" …")


def _all_damaged(folder: Path) -> str:
    return f"every checkpoint in {folder} is damaged; remove that folder to start the run again"


def _own(metadata: Any) -> dict[str, Any]:
    """What we keep with a checkpoint beside Orbax's own: its checksum and its metrics."""
    return metadata.custom_metadata or {}


def _metric(metrics: Any) -> float:
    return float(metrics["value"])


def _on_host(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
    """What has Orbax give an array of NumPy; takes no memory itself."""
    return np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)


def _on_devices(values: np.ndarray, like: jax.ShapeDtypeStruct) -> jax.Array:
    return jax.make_array_from_callback(like.shape, like.sharding, lambda part: values[part])


def _whole_array(leaf: jax.Array) -> np.ndarray:
    if not leaf.is_fully_replicated:
        assert isinstance(leaf.sharding, NamedSharding)
        leaf = jax.jit(lambda a: a, out_shardings=NamedSharding(leaf.sharding.mesh, PartitionSpec()))(leaf)
    return np.asarray(leaf.addressable_data(0))


def _checksum(state: PyTree, metrics: object) -> str:
    digest = hashlib.sha256(json.dumps(metrics).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        values = leaf if isinstance(leaf, np.ndarray) else _whole_array(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
