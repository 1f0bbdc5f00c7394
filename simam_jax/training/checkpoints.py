"""A run's checkpoints: the best, the latest and the one before it. With `checkpoint_reading` all that knows Orbax."""

import contextlib
import logging
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from simam_jax.errors import StorageError, UsageError
from simam_jax.training.causes import from_devices, from_storage
from simam_jax.training.checkpoint_reading import (
    DamagedError,
    is_damaged,
    kept_with,
    links_to,
    read_state,
    shorten,
    silent_orbax,
)
from simam_jax.training.checksum import checksum
from simam_jax.training.failing_fast import failing_fast
from simam_jax.training.processes import from_first, is_first, several, wait_for_all
from simam_jax.training.quarantine import put_aside
from simam_jax.training.replacement import check_writable, replacing, undo_replacements

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

    No checkpoint that cannot be read is ever removed. One counts as damaged where the system reads its files and they
    hold something wrong, in all processes of a run alike.
    """

    def __init__(self, folder: Path, *, writable: bool = False):
        """Opens the folder.

        Args:
            folder: RUN/checkpoints.
            writable: make it if need be, clear away what an interrupted save left, and put damaged checkpoints aside;
                else they are passed over. Either is said in a warning.

        Raises:
            UsageError: there is no such folder to read.
            StorageError: it cannot be read, or there are checkpoints and all are damaged.
            OSError: likewise, of the folder itself.
        """
        self._folder = folder.resolve()
        self._has_to_end = False
        self._view = contextlib.ExitStack()
        if writable:
            from_first(partial(undo_replacements, self._folder))
        elif not folder.is_dir():
            raise UsageError(f"no checkpoints in {folder}")
        saved = from_first(partial(_step_folders, self._folder))
        damaged = [path for path in saved if is_damaged(path)]
        if saved and len(damaged) == len(saved):
            raise StorageError(_all_damaged(self._folder))
        for path in damaged:
            if writable:
                _put_aside(path)
            else:
                _log.warning("warning: the checkpoint %s is damaged and passed over", path)
        if writable:
            self._orbax = _open(self._folder, writable=True)
        else:
            whole = [path for path in saved if path not in damaged]
            self._orbax = _open(self._view.enter_context(links_to(whole)), writable=False)

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
        return kept_with(self._folder / str(step)).get("checksum")

    def save(self, step: int, state: PyTree, *, best_value: float | None = None) -> None:
        """Saves a state, in place of an earlier one of the same step; all processes of a run do so together.

        Args:
            step: updates done.
            state: pytree of arrays.
            best_value: the metric by which this is the best state so far; None where it is not.

        Raises:
            StorageError: the disk is full or cannot be written; earlier checkpoints are as they were.
            JaxRuntimeError: another process is gone, or a device fails.
        """
        metrics: dict[str, Any] | None = None if best_value is None else {"value": best_value}
        try:
            # Where it cannot write, Orbax waits five minutes before it says so.
            check_writable(self._folder)
            with replacing(self._folder / str(step)) if is_first() else contextlib.nullcontext(), silent_orbax():
                wait_for_all()  # until what is replaced is out of the way
                self._orbax.reload()
                kept = {"checksum": checksum(state, metrics), "metrics": metrics}
                save = partial(self._orbax.save, step, state, force=True, metrics=metrics, custom_metadata=kept)
                if several():
                    failing_fast(save)
                else:
                    save()
        except Exception as error:
            # Of several processes one may be gone, and Orbax fails in many ways then: `peers` says which is lost.
            if from_devices(error) or (several() and from_storage(error) is None):
                raise
            if several():
                self._has_to_end = True
            else:
                self._orbax.reload()
            raise StorageError(
                f"cannot save the checkpoint of step {step} in {self._folder}: {shorten(error)}; make room there, "
                f"or make it writable, and run the same command again to go on from the checkpoint before"
            ) from error

    def load(self, step: int, like: T) -> T:
        """The state of a step; all processes of a run load it together.

        Args:
            step: one of `steps`.
            like: pytree of `jax.ShapeDtypeStruct` with shardings.

        Raises:
            StorageError: the checkpoint is damaged, or cannot be read by this process or another.
        """
        return read_state(self._folder / str(step), like)

    def load_latest(self, like: T) -> tuple[int, T] | None:
        """The newest state that is whole, and its step; damaged newer ones are put aside with a warning.

        Returns None where there is no checkpoint at all.

        Raises:
            StorageError: there are checkpoints and all are damaged, or one cannot be read.
        """
        damaged = []
        for step in reversed(self.steps):
            try:
                state = self.load(step, like)
            except DamagedError as error:
                _log.warning("warning: %s; using the one before it", error)
                damaged.append(self._folder / str(step))
                continue
            for path in damaged:
                _put_aside(path)
            self._orbax.reload()
            return step, state
        if damaged:
            raise StorageError(_all_damaged(self._folder))
        return None

    def close(self) -> None:
        """Frees Orbax's threads."""
        if self._has_to_end:
            return  # Orbax would wait for the others, which are ended by this process
        # A save that failed fails here again; `save` has reported it.
        with contextlib.suppress(Exception), silent_orbax():
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
    try:
        # Not glob, to which a folder that may not be read is empty.
        found = [path for path in folder.iterdir() if path.name.isdecimal()]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda path: int(path.name))


def _put_aside(path: Path) -> None:
    aside = from_first(partial(put_aside, path))
    _log.warning("warning: the checkpoint %s is damaged and put aside as %s", path, aside.name)


def _all_damaged(folder: Path) -> str:
    return (
        f"every checkpoint in {folder} is damaged; they are left as they are, in case they can be read elsewhere or "
        f"there is a copy; another --workdir starts the run from its beginning"
    )


def _metric(metrics: Any) -> float:
    return float(metrics["value"])
