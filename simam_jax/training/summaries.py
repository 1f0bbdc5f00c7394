"""A run's numbers over time: metrics.jsonl, and TensorBoard's files through CLU."""

import json
import logging
import math
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from simam_jax.training.processes import from_first, is_first

_log = logging.getLogger(__name__)

FILE_NAME = "metrics.jsonl"


def read_metrics(run: Path) -> list[dict]:
    """The lines of a run's metrics.jsonl; a last line that was cut short is left out."""
    path = run / FILE_NAME
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


class Summaries:
    """Writes a run's numbers, going on after a step; of several processes the first writes, and all know the lines.

    Lines and TensorBoard events of later steps are removed first: they belong to work that was lost and is done again.
    """

    def __init__(self, run: Path, *, step: int, hyperparameters: Mapping[str, object]):
        """Opens the files of a run at `step`; the hyper-parameters are recorded for TensorBoard."""
        self.lines = from_first(partial(_keep_until, run, step))
        self._file = (run / FILE_NAME).open("a") if is_first() else None
        self._board = _create_board(run, step) if is_first() else None
        if self._board is not None:
            scalars = {name: value for name, value in hyperparameters.items() if isinstance(value, int | float | str)}
            self._board.write_hparams(scalars)

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Writes a line: metrics by name, such as "train/loss"."""
        line = {"step": step, "epoch": epoch, "time": time.time()}
        line |= {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        self.lines.append(line)
        if self._file is not None:
            self._file.write(_to_line(line))
            self._file.flush()
            os.fsync(self._file.fileno())
        if self._board is not None:
            self._board.write_scalars(step, {name: float(value) for name, value in values.items()})
            self._board.flush()

    def has(self, step: int, prefix: str) -> bool:
        """Whether a line of `step` has metrics of "prefix/"."""
        return any(line["step"] == step and f"{prefix}/loss" in line for line in self.lines)

    def last(self, prefix: str) -> dict:
        """The last line that has metrics of "prefix/"; before there is one, a line of step 0 without any."""
        return next((line for line in reversed(self.lines) if f"{prefix}/loss" in line), {"step": 0})

    def close(self) -> None:
        """Closes the files."""
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()


def _keep_until(run: Path, step: int) -> list[dict]:
    kept = [line for line in read_metrics(run) if line["step"] <= step]
    unfinished = run / f".{FILE_NAME}.partial"
    unfinished.write_text("".join(map(_to_line, kept)))
    unfinished.replace(run / FILE_NAME)
    return kept


def _to_line(line: Mapping[str, object]) -> str:
    return json.dumps(line) + "\n"


def _create_board(run: Path, step: int):
    # TensorFlow greets on stderr otherwise, once for its log and once for oneDNN.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    try:
        import tensorflow as tf
        from clu import metric_writers
    except ImportError:
        _log.info("no TensorBoard files: they need TensorFlow, `pip install tensorflow-cpu`")
        return None
    tf.config.set_visible_devices([], "GPU")  # TensorFlow would take the GPU's memory
    for path in run.glob("events.out.tfevents.*"):
        _trim_events(path, step)
    return metric_writers.create_default_writer(str(run), asynchronous=False)


def _trim_events(path: Path, step: int) -> None:
    """Rewrites an event file without what is later than `step`; a record that was cut short ends it."""
    import tensorflow as tf

    kept = []
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            if tf.compat.v1.Event.FromString(record).step <= step:
                kept.append(record)
    except tf.errors.DataLossError:
        pass
    partial = path.with_name(f".{path.name}.partial")
    with tf.io.TFRecordWriter(str(partial)) as writer:
        for record in kept:
            writer.write(record)
    partial.replace(path)
