"""A run's numbers for TensorBoard, through CLU; it needs TensorFlow, and does without where that is missing."""

import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from simam_jax.errors import StorageError
from simam_jax.training.storing import storing
from simam_jax.whole_file import whole_file

_log = logging.getLogger(__name__)


class Board:
    """Event files in a run's folder, going on after a step: what is later in those that are there is removed."""

    def __init__(self, run: Path, *, step: int, hyperparameters: Mapping[str, object]):
        """Opens a new event file, where there is TensorFlow; else says how to get it.

        Raises:
            StorageError: it cannot be written; so do the other methods.
        """
        self._run = run
        self._writer = None
        # TensorFlow greets on stderr otherwise, once for its log and once for oneDNN.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
        try:
            import tensorflow as tf
            from clu import metric_writers
        except ImportError:
            _log.info("no TensorBoard files: they need TensorFlow, `pip install tensorflow-cpu`")
            return
        tf.config.set_visible_devices([], "GPU")  # TensorFlow would take the GPU's memory
        with _storing(run):
            for path in run.glob("events.out.tfevents.*"):
                _trim_events(path, step)
            self._writer = metric_writers.create_default_writer(str(run), asynchronous=False)
            scalars = {name: value for name, value in hyperparameters.items() if isinstance(value, int | float | str)}
            self._writer.write_hparams(scalars)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Writes numbers by name."""
        if self._writer is not None:
            with _storing(self._run):
                self._writer.write_scalars(step, {name: float(value) for name, value in values.items()})
                self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._writer is not None:
            # What cannot be written is tried again here, after `write` has said so.
            with suppress(StorageError), _storing(self._run):
                self._writer.close()


def _storing(run: Path) -> AbstractContextManager[None]:
    import tensorflow as tf

    return storing(f"TensorBoard's files in {run}", tf.errors.OpError)


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
    with whole_file(path) as unfinished, tf.io.TFRecordWriter(str(unfinished)) as writer:
        for record in kept:
            writer.write(record)
