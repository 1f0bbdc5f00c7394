"""A run's numbers over time: metrics.jsonl, and TensorBoard's files through CLU."""

import json
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from simam_jax.reporting.metrics_file import FILE_NAME, read_metrics
from simam_jax.training.processes import from_first, is_first
from simam_jax.training.storing import storing
from simam_jax.training.tensorboard import Board
from simam_jax.whole_file import whole_file


class Summaries:
    """Writes a run's numbers, going on after a step; of several processes the first writes, and all know the lines.

    Lines and TensorBoard events of later steps are removed first: they belong to work that was lost and is done again.
    """

    def __init__(self, run: Path, *, step: int, hyperparameters: Mapping[str, object]):
        """Opens the files of a run at `step`; the hyper-parameters are recorded for TensorBoard.

        Raises:
            StorageError: they cannot be written; so do the other methods.
        """
        self._path = run / FILE_NAME
        self.lines = from_first(partial(_keep_until, run, step))
        self._file = self._path.open("a") if is_first() else None
        self._board = Board(run, step=step, hyperparameters=hyperparameters) if is_first() else None

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Writes a line: metrics by name, such as "train/loss"."""
        line = {"step": step, "epoch": epoch, "time": time.time()}
        line |= {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        self.lines.append(line)
        if self._file is not None:
            with storing(str(self._path)):
                self._file.write(_to_line(line))
                self._file.flush()
                os.fsync(self._file.fileno())
        if self._board is not None:
            self._board.write(step, values)

    def has(self, step: int, prefix: str) -> bool:
        """Whether a line of `step` has metrics of "prefix/"."""
        return any(line["step"] == step and f"{prefix}/loss" in line for line in self.lines)

    def last(self, prefix: str) -> dict:
        """The last line that has metrics of "prefix/"; before there is one, a line of step 0 without any."""
        return next((line for line in reversed(self.lines) if f"{prefix}/loss" in line), {"step": 0})

    def close(self) -> None:
        """Closes the files."""
        if self._file is not None:
            # What cannot be written is tried again here, after `write` has said so.
            with suppress(OSError):
                self._file.close()
        if self._board is not None:
            self._board.close()


def _keep_until(run: Path, step: int) -> list[dict]:
    kept = [line for line in read_metrics(run) if line["step"] <= step]
    with storing(str(run / FILE_NAME)), whole_file(run / FILE_NAME) as unfinished:
        unfinished.write_text("".join(map(_to_line, kept)))
    return kept


def _to_line(line: Mapping[str, object]) -> str:
    return json.dumps(line) + "\n"
