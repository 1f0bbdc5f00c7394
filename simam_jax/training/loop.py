"""A run from its first step, or from where it was stopped, to its last."""

import logging
import time
from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import NamedTuple

import jax
from clu import parameter_overview
from ml_collections import ConfigDict

from simam_jax.errors import DivergedError, Stopped
from simam_jax.training.checkpoints import Best, Checkpoints
from simam_jax.training.config import flatten
from simam_jax.training.divergence import DivergenceWatch
from simam_jax.training.experiment import Experiment, build
from simam_jax.training.feed import feed
from simam_jax.training.left_out import check_left_out
from simam_jax.training.mesh import replicated
from simam_jax.training.metrics import EvalMetrics, TrainMetrics, to_floats
from simam_jax.training.processes import from_first, is_first, wait_for_all
from simam_jax.training.progress import TrainingProgress
from simam_jax.training.run_folder import RunFolder
from simam_jax.training.saved import Saved, saved_like
from simam_jax.training.state import TrainState
from simam_jax.training.stopping import StopRequest
from simam_jax.training.summaries import Summaries

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


def train(config: ConfigDict, workdir: Path, stop: StopRequest | None = None) -> Outcome:
    """Trains in `workdir` until the config's last epoch, going on from the latest checkpoint where there is one.

    The same config, data, kind and number of devices give the same bits, however often the run was interrupted.

    Raises:
        UsageError: the config or the data is wrong, or the folder is another run's.
        DivergedError: a loss or gradient was not finite.
        StorageError: something could not be written, every checkpoint is damaged, or too many images cannot be read.
        Stopped: a signal came; everything is saved. One that comes while there is nothing to save ends the process.
        JaxRuntimeError: another process is gone, or a device fails.
    """
    started = time.perf_counter()
    with StopRequest() if stop is None else nullcontext(stop) as request:
        return _train(config, workdir, request, started)


def _train(config: ConfigDict, workdir: Path, stop: StopRequest, started: float) -> Outcome:
    folder = RunFolder(workdir)
    from_first(folder.check_place)
    experiment = build(config)
    _log.info("built and compiled in %.1f s", time.perf_counter() - started)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(experiment.state_like.params))
    from_first(lambda: folder.claim(config, experiment.dataset, {"parameters": parameters}))
    wait_for_all()  # collectives give up on a process that is half a minute behind when they are first used
    run = _Run(config, experiment, folder)
    wait_for_all()
    stop.defer()
    try:
        return run.to_the_end(stop, started)
    except DivergedError as error:
        steps = run.checkpoints.steps
        good = f"the last good checkpoint is step {steps[-1]} in {folder.checkpoints}" if steps else "no checkpoint yet"
        raise DivergedError(f"{error}; {good}; try a lower --config.schedule.learning_rate") from error
    finally:
        run.close()
        folder.release()


class _Run:
    """What changes as a run goes on."""

    def __init__(self, config: ConfigDict, experiment: Experiment, folder: RunFolder):
        self._config = config
        self._experiment = experiment
        self.checkpoints = Checkpoints(folder.checkpoints, writable=True)
        self._no_metrics = jax.jit(TrainMetrics.empty, out_shardings=replicated(experiment.mesh))()
        saved = self.checkpoints.load_latest(saved_like(experiment.state_like, experiment.mesh))
        if saved is None:
            self._step, self._state, self._window = 0, experiment.create_state(), self._no_metrics
            _log.info("%s", parameter_overview.get_parameter_overview(self._state.params, include_stats=False))
        else:
            self._step, self._state, self._window = saved[0], saved[1]["state"], saved[1]["window"]
            _log.info("going on from step %d of %d", self._step, experiment.epochs.steps)
        self._summaries = Summaries(folder.path, step=self._step, hyperparameters=flatten(config))
        self._merge = jax.jit(TrainMetrics.merge)
        self._watch = DivergenceWatch()
        self._window_start = time.perf_counter()
        self._window_images = 0

    def close(self) -> None:
        self._summaries.close()
        self.checkpoints.close()

    def to_the_end(self, stop: StopRequest, started: float) -> Outcome:
        first = self._step
        epochs = self._experiment.epochs
        with (
            closing(feed(self._experiment.train_batches(self._step), self._experiment.mesh)) as batches,
            TrainingProgress(steps=epochs.steps, epochs=epochs.count, step=self._step) as progress,
        ):
            self._show_best(progress)
            while True:
                epoch = epochs.ended_at(self._step)
                if epoch is not None and not self._summaries.has(self._step, self._experiment.selection):
                    progress.at(self._step, epoch, "evaluating")
                    self._end_epoch(epoch, stop)
                    self._show_best(progress)
                if stop.is_due():
                    self._stop(stop)
                if self._step == epochs.steps:
                    break
                self._state, metrics = self._experiment.train_step(self._state, next(batches))
                if self._step == first:
                    # The only step that is waited for.
                    jax.block_until_ready(metrics)
                    _log.info("first step done %.1f s after the start", time.perf_counter() - started)
                self._advance(metrics)
                progress.at(self._step, epochs.of(self._step - 1))
            self._end_run(stop)
        best = self.checkpoints.best
        return Outcome(best, None if best is None else epochs.ended_at(best.step), self._step)

    def _advance(self, metrics: TrainMetrics) -> None:
        self._step += 1
        self._window = self._merge(self._window, metrics)
        self._window_images += self._experiment.epochs.batch_size
        self._watch.add(self._step, metrics)
        every = self._config.log_every
        ended = self._experiment.epochs.ended_at(self._step) is not None
        if ended or (every and self._step % every == 0):
            self._watch.settle()
            values = to_floats(self._window)
            values["images_per_second"] = self._window_images / (time.perf_counter() - self._window_start)
            if left_out := self._left_out():
                values["left_out"] = left_out
                _log.warning("warning: %d training images left out up to step %d", left_out, self._step)
            self._write("train", values)
            epochs = self._experiment.epochs
            check_left_out(self._summaries.lines, epoch=epochs.of(self._step - 1), images=epochs.images)
            self._start_window()

    def _left_out(self) -> int:
        """Images since the last line that did not count because they could not be read."""
        steps = self._step - self._summaries.last("train")["step"]
        return steps * self._experiment.epochs.batch_size - round(float(self._window.loss.count))

    def _start_window(self) -> None:
        self._window = self._no_metrics
        self._window_start = time.perf_counter()
        self._window_images = 0

    def _end_epoch(self, epoch: int, stop: StopRequest) -> None:
        metrics = _evaluate(self._experiment, self._state, self._experiment.selection, stop)
        if metrics is None:
            return
        value = metrics[self._config.checkpoint.best_metric]
        best = self.checkpoints.best
        # A run killed between this step's checkpoint and its line comes here again and must find the same.
        before = best.value if best and best.step < self._step else -float("inf")
        is_best = value > max(self._config.checkpoint.best_above, before)
        is_last = self._step == self._experiment.epochs.steps
        if is_best or is_last or (epoch + 1) % self._config.checkpoint.every_epochs == 0:
            self._save(best_value=value if is_best else None)
        # Last: an epoch whose line is there is done with.
        self._write(self._experiment.selection, metrics)
        loss = self._summaries.last("train")["train/loss"]
        _log.info(
            "epoch %d: train loss %.4f, %s loss %.4f, accuracy %.4f, balanced accuracy %.4f",
            epoch, loss, self._experiment.selection, metrics["loss"], metrics["accuracy"], metrics["balanced_accuracy"],
        )  # fmt: skip
        if is_best and is_first():
            print(f"best {metric_name(self._config)} is {value:.4f} at epoch {epoch}", flush=True)
        self._window_start = time.perf_counter()

    def _end_run(self, stop: StopRequest) -> None:
        """With a validation split, eval is read once: here."""
        if self._experiment.selection == "eval" or self._summaries.has(self._step, "eval"):
            return
        metrics = _evaluate(self._experiment, self._state, "eval", stop)
        if metrics is None:
            self._stop(stop)
        else:
            self._write("eval", metrics)

    def _stop(self, stop: StopRequest) -> None:
        self._watch.settle()
        if self._step not in self.checkpoints.steps:
            self._save()
        raise Stopped(
            f"stopped by {stop.name} at step {self._step} of {self._experiment.epochs.steps}; everything is saved",
            exit_code=stop.exit_code,
        )

    def _save(self, *, best_value: float | None = None) -> None:
        self.checkpoints.save(self._step, Saved(state=self._state, window=self._window), best_value=best_value)

    def _write(self, prefix: str, values: Mapping[str, float]) -> None:
        epoch = self._experiment.epochs.of(self._step - 1)
        self._summaries.write(self._step, epoch, {f"{prefix}/{name}": value for name, value in values.items()})

    def _show_best(self, progress: TrainingProgress) -> None:
        best = self.checkpoints.best
        if best is not None:
            progress.best(best.value, self._experiment.epochs.of(best.step - 1))


def metric_name(config: ConfigDict) -> str:
    """What the best is best in, in words; the seed says acc."""
    metric = config.checkpoint.best_metric
    return "acc" if metric == "accuracy" else metric.replace("_", " ")


def _evaluate(experiment: Experiment, state: TrainState, split: str, stop: StopRequest) -> dict[str, float] | None:
    """The metrics of a state on a whole split; None where a signal came in between."""
    total: EvalMetrics | None = None
    with closing(feed(experiment.eval_batches(split), experiment.mesh)) as batches:
        for batch in batches:
            if stop.is_due():
                return None
            metrics = experiment.eval_step(state, batch)
            total = metrics if total is None else _merge_eval(total, metrics)
    assert total is not None
    values = to_floats(total)
    if left_out := len(experiment.records[split]) - round(float(total.loss.count)):
        values["left_out"] = left_out
        _log.warning("warning: %d images of %s left out: they could not be read", left_out, split)
    return values


_merge_eval = jax.jit(EvalMetrics.merge)
