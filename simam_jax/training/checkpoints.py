"""A run's checkpoints: the best, the latest and the one before it. The only file that knows Orbax."""

import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from simam_jax.errors import StorageError, UsageError

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
        """Opens the folder; `writable` makes it if need be and clears away what an interrupted save left."""
        self._folder = folder.resolve()
        if not writable and not folder.is_dir():
            raise UsageError(f"no checkpoints in {folder}")
        damaged = _unopenable(self._folder)
        if damaged and (not writable or len(damaged) == len(_step_folders(self._folder))):
            names = ", ".join(path.name for path in damaged)
            raise StorageError(
                f"the checkpoints of these steps in {self._folder} are damaged: {names}; training goes on without them "
                f"where another is whole, else remove that folder to start the run again"
            )
        for path in damaged:
            _log.warning("warning: the checkpoint %s is damaged and removed", path)
            shutil.rmtree(path)
        self._orbax = _open(self._folder, writable)

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
        return (self._orbax.metadata(step).custom_metadata or {}).get("checksum")

    def save(self, step: int, state: PyTree, *, best_value: float | None = None) -> None:
        """Saves a state, in place of an earlier one of the same step.

        Args:
            step: updates done.
            state: pytree of arrays.
            best_value: the metric by which this is the best state so far; None where it is not.

        Raises:
            StorageError: the disk is full or cannot be written; earlier checkpoints are as they were.
        """
        metrics = None if best_value is None else {"value": best_value}
        try:
            self._orbax.save(
                step,
                state,
                force=True,
                overwrite=step in self.steps,
                metrics=metrics,
                custom_metadata={"checksum": _checksum(state, metrics)},
            )
        except Exception as error:
            raise StorageError(f"cannot save the checkpoint of step {step} in {self._folder}: {error}") from error

    def load(self, step: int, like: T) -> T:
        """The state of a step.

        Args:
            step: one of `steps`.
            like: pytree of `jax.ShapeDtypeStruct` with shardings.

        Raises:
            StorageError: the checkpoint is damaged.
        """
        try:
            state = self._orbax.load(step, like)
            metadata = self._orbax.metadata(step)
            saved = self.checksum(step)
            found = _checksum(state, metadata.metrics)
        # Orbax and TensorStore raise almost anything on damaged files.
        except Exception as error:
            raise StorageError(f"the checkpoint of step {step} in {self._folder} is damaged: {error}") from error
        if saved != found:
            raise StorageError(f"the checkpoint of step {step} in {self._folder} is damaged: its checksum is wrong")
        return state

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
            raise StorageError(
                f"every checkpoint in {self._folder} is damaged; remove that folder to start the run again"
            )
        return None

    def remove_after(self, step: int) -> None:
        """Removes checkpoints later than `step`."""
        for later in [other for other in self.steps if other > step]:
            shutil.rmtree(self._folder / str(later))
        self._orbax.reload()

    def close(self) -> None:
        """Frees Orbax's threads."""
        # A save that failed fails here again; `save` has reported it.
        with contextlib.suppress(Exception):
            self._orbax.close()


def _open(folder: Path, writable: bool) -> ocp.training.Checkpointer:
    policies = ocp.training.preservation_policies
    best = policies.BestN(get_metric_fn=_metric, n=1, keep_checkpoints_without_metrics=False)
    return ocp.training.Checkpointer(
        folder,
        preservation_policy=policies.AnyPreservationPolicy([policies.LatestN(2), best]),
        cleanup_tmp_directories=writable,
    )


def _step_folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.name.isdecimal()]


def _unopenable(folder: Path) -> list[Path]:
    """Checkpoints that are so damaged that Orbax would not open the folder: each is tried in a folder of its own."""
    damaged = []
    for path in _step_folders(folder):
        with tempfile.TemporaryDirectory() as alone:
            (Path(alone) / path.name).symlink_to(path)
            try:
                opened = _open(Path(alone), writable=False)
                opened.metadata(int(path.name))
                opened.close()
            # Orbax raises almost anything on damaged files.
            except Exception:
                damaged.append(path)
    return damaged


def _metric(metrics: Mapping[str, float]) -> float:
    return float(metrics["value"])


def _checksum(state: PyTree, metrics: Mapping[str, float] | None) -> str:
    digest = hashlib.sha256(json.dumps(metrics).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        values = np.asarray(leaf.addressable_data(0) if leaf.is_fully_replicated else leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
