"""One run's books, whoever is trained beside it: where it stands, its numbers, its checkpoints."""

import logging
import time
from collections.abc import Mapping
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from simam_jax.errors import DivergedError
from simam_jax.training.checkpoints import Best, Checkpoints
from simam_jax.training.config import flatten
from simam_jax.training.divergence import DivergenceWatch, check_evaluated
from simam_jax.training.experiment import Experiment
from simam_jax.training.feed import feed
from simam_jax.training.left_out import check_left_out
from simam_jax.training.mesh import replicated
from simam_jax.training.metrics import EvalMetrics, TrainMetrics, to_floats
from simam_jax.training.processes import is_first
from simam_jax.training.run_folder import RunFolder
from simam_jax.training.saved import Saved, saved_like
from simam_jax.training.state import TrainState
from simam_jax.training.summaries import Summaries
from simam_jax.training.traits import Traits

_log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        best: step and metric of the best checkpoint; None where none was good enough.
        best_epoch: the epoch it ended.
        steps: updates done in all.
    """

    best: Best | None
    best_epoch: int | None
    steps: int


class Run:
    """A run in its folder, going on from its latest checkpoint where there is one.

    Attributes:
        traits: the run's, on the mesh.
        step: updates done.
        state: after them.
        batches: those that come next.
    """

    def __init__(
        self, config: ConfigDict, folder: RunFolder, experiment: Experiment, traits: Traits, *, name: str = ""
    ):
        """Opens the files of a folder that is claimed.

        Args:
            config: the run's.
            folder: likewise.
            experiment: what it is a run of.
            traits: the run's, on the mesh.
            name: what the log calls it; nothing where there is no other.

        Raises:
            StorageError: a file cannot be written, or every checkpoint is damaged.
        """
        self.traits = traits
        self._config, self._folder, self._experiment = config, folder, experiment
        self._called = f"{name}: " if name else ""
        self._checkpoints = Checkpoints(folder.checkpoints, writable=True)
        self._no_metrics = jax.jit(TrainMetrics.empty, out_shardings=replicated(experiment.mesh))()
        saved = self._checkpoints.load_latest(saved_like(experiment.state_like, experiment.mesh))
        if saved is None:
            self.step, self.state, self._window = 0, experiment.create_state(traits), self._no_metrics
        else:
            self.step, self.state, self._window = saved[0], saved[1]["state"], saved[1]["window"]
            _log.info("%sgoing on from step %d of %d", self._called, self.step, experiment.epochs.steps)
        self._summaries = Summaries(folder.path, step=self.step, hyperparameters=flatten(config))
        self.batches = feed(experiment.train_batches(config.seed, self.step), experiment.mesh)
        self._watch = DivergenceWatch()
        self._window_start = time.perf_counter()
        self._window_images = 0

    def close(self) -> None:
        """Closes the files and lets go of the data."""
        self.batches.close()
        self._summaries.close()
        self._checkpoints.close()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to train."""
        return self.step == self._experiment.epochs.steps

    @property
    def due(self) -> str | None:
        """The split that it is to be evaluated on before it goes on; None where it is to go on."""
        selection = self._experiment.selection
        if self._experiment.epochs.ended_at(self.step) is not None and not self._summaries.has(self.step, selection):
            return selection
        # With a validation split eval is read once, at the end.
        return "eval" if self.is_over and not self._summaries.has(self.step, "eval") else None

    @property
    def best(self) -> Best | None:
        """The best checkpoint so far, where one was good enough."""
        return self._checkpoints.best

    @property
    def outcome(self) -> Outcome:
        """How it has ended."""
        best = self.best
        return Outcome(best, None if best is None else self._experiment.epochs.ended_at(best.step), self.step)

    def advance(self, state: TrainState, metrics: TrainMetrics) -> None:
        """Takes what a step has made of the state, and the step's metrics.

        Raises:
            DivergedError: a loss or gradient was not finite; it may have been that of a few steps ago.
            StorageError: a line cannot be written, or too many images cannot be read.
        """
        self.state = state
        self.step += 1
        self._window = _merge(self._window, metrics)
        self._window_images += self._experiment.epochs.batch_size
        self._watch.add(self.step, metrics)
        every = self._config.log_every
        ended = self._experiment.epochs.ended_at(self.step) is not None
        if ended or (every and self.step % every == 0):
            self._watch.settle()
            values = to_floats(self._window)
            values["images_per_second"] = self._window_images / (time.perf_counter() - self._window_start)
            if left_out := self._left_out():
                values["left_out"] = left_out
                _log.warning("warning: %s%d training images left out up to step %d", self._called, left_out, self.step)
            self._write("train", values)
            epochs = self._experiment.epochs
            check_left_out(self._summaries.lines, epoch=epochs.of(self.step - 1), images=epochs.images)
            self._window = self._no_metrics
            self._window_start = time.perf_counter()
            self._window_images = 0

    def evaluated(self, split: str, metrics: EvalMetrics) -> None:
        """Takes the metrics of the split that was due.

        Raises:
            DivergedError: the loss is not finite; the step is not saved.
            StorageError: a checkpoint or a line cannot be written.
        """
        values, images = to_floats(metrics), round(float(metrics.loss.count))
        if images:
            check_evaluated(split, self.step, values["loss"])
        if left_out := len(self._experiment.records[split]) - images:
            values["left_out"] = left_out
            _log.warning("warning: %s%d images of %s left out: they could not be read", self._called, left_out, split)
        if split == self._experiment.selection:
            self._end_epoch(values)
        else:
            self._write(split, values)

    def save(self) -> None:
        """Saves it where it stands.

        Raises:
            DivergedError: it does not stand on finite numbers.
            StorageError: it cannot be written.
        """
        self._watch.settle()
        if self.step not in self._checkpoints.steps:
            self._save()

    def explain(self, error: DivergedError) -> DivergedError:
        """The same error, with what is left of the run and what may help."""
        steps = self._checkpoints.steps
        left = f"the last good checkpoint is step {steps[-1]} in {self._folder.checkpoints}" if steps else ""
        return DivergedError(f"{error}; {left or 'no checkpoint yet'}; try a lower --config.schedule.learning_rate")

    def _end_epoch(self, values: Mapping[str, float]) -> None:
        epoch = self._experiment.epochs.of(self.step - 1)
        value = values[self._config.checkpoint.best_metric]
        best = self._checkpoints.best
        # A run killed between this step's checkpoint and its line comes here again and must find the same.
        before = best.value if best and best.step < self.step else -float("inf")
        is_best = value > max(self._config.checkpoint.best_above, before)
        if is_best or self.is_over or (epoch + 1) % self._config.checkpoint.every_epochs == 0:
            self._save(best_value=value if is_best else None)
        # Last: an epoch whose line is there is done with.
        self._write(self._experiment.selection, values)
        loss = self._summaries.last("train")["train/loss"]
        _log.info(
            "%sepoch %d: train loss %.4f, %s loss %.4f, accuracy %.4f, balanced accuracy %.4f",
            self._called, epoch, loss, self._experiment.selection, values["loss"], values["accuracy"],
            values["balanced_accuracy"],
        )  # fmt: skip
        if is_best and is_first():
            print(f"{self._called}best {metric_name(self._config)} is {value:.4f} at epoch {epoch}", flush=True)
        self._window_start = time.perf_counter()

    def _left_out(self) -> int:
        """Images since the last line that did not count because they could not be read."""
        steps = self.step - self._summaries.last("train")["step"]
        return steps * self._experiment.epochs.batch_size - round(float(self._window.loss.count))

    def _save(self, *, best_value: float | None = None) -> None:
        self._checkpoints.save(self.step, Saved(state=self.state, window=self._window), best_value=best_value)

    def _write(self, prefix: str, values: Mapping[str, float]) -> None:
        epoch = self._experiment.epochs.of(self.step - 1)
        self._summaries.write(self.step, epoch, {f"{prefix}/{name}": value for name, value in values.items()})


def metric_name(config: ConfigDict) -> str:
    """What the best is best in, in words; the seed says acc."""
    metric = config.checkpoint.best_metric
    return "acc" if metric == "accuracy" else metric.replace("_", " ")


_merge = jax.jit(TrainMetrics.merge)
