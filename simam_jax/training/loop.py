"""Runs from their first step, or from where they were stopped, to their last: one alone, or several in one program."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple, NoReturn

import jax
from clu import parameter_overview
from ml_collections import ConfigDict

from simam_jax.errors import DivergedError, Stopped
from simam_jax.training.experiment import Experiment, build
from simam_jax.training.feed import feed
from simam_jax.training.metrics import EvalMetrics, TrainMetrics
from simam_jax.training.processes import from_first, wait_for_all
from simam_jax.training.progress import TrainingProgress
from simam_jax.training.run import Outcome, Run
from simam_jax.training.run_folder import RunFolder
from simam_jax.training.stopping import StopRequest
from simam_jax.training.summaries import read_metrics

_log = logging.getLogger(__name__)


class Job(NamedTuple):
    """A run that is asked for.

    Attributes:
        config: its own.
        workdir: its folder.
    """

    config: ConfigDict
    workdir: Path


def train(config: ConfigDict, workdir: Path, stop: StopRequest | None = None) -> Outcome:
    """Trains in `workdir` until the config's last epoch, going on from the latest checkpoint where there is one.

    The same config, data, kind and number of devices give the same bits, however often the run was interrupted.

    Raises:
        UsageError: the config or the data is wrong, or the folder is another run's.
        DivergedError: a loss, also that of an evaluation, or a gradient was not finite.
        StorageError: something could not be written, every checkpoint is damaged, or too many images cannot be read.
        Stopped: a signal came; everything is saved. One that comes while there is nothing to save ends the process.
        JaxRuntimeError: another process is gone, or a device fails.
    """

    def refuse(job: Job, error: DivergedError) -> NoReturn:
        raise error

    (outcome,) = train_together([Job(config, workdir)], diverged=refuse, stop=stop)
    assert outcome is not None
    return outcome


def train_together(
    jobs: Sequence[Job], *, diverged: Callable[[Job, DivergedError], None], stop: StopRequest | None = None
) -> list[Outcome | None]:
    """Trains runs as one program, each as `train` would, to rounding; each is an ordinary run, in its own folder.

    They need not stand at the same step. One that has ended or diverged leaves, and the others go on without it.

    Args:
        jobs: one at least; their configs differ in seed and SimAM's λ alone.
        diverged: hears at once of a run that has; what it raises ends the others.
        stop: where the caller listens for signals already.

    Returns:
        How each ended; None where it diverged.

    Raises:
        UsageError, StorageError, Stopped: as `train`, where it is so of one of them.
    """
    started = time.perf_counter()
    with StopRequest() if stop is None else nullcontext(stop) as request:
        folders = [RunFolder(job.workdir) for job in jobs]
        for folder in folders:
            from_first(folder.check_place)
        experiment = build([job.config for job in jobs])
        if left := sum(not _has_ended(folder, experiment) for folder in folders):
            experiment.programs.train(left)
            experiment.programs.evaluate(left)
        _log.info("built and compiled in %.1f s", time.perf_counter() - started)
        facts = {"parameters": sum(leaf.size for leaf in jax.tree.leaves(experiment.state_like.params))}
        for job, folder in zip(jobs, folders, strict=True):
            from_first(partial(folder.claim, job.config, experiment.dataset, facts))
        wait_for_all()  # collectives give up on a process that is half a minute behind when they are first used
        loop = _Loop(jobs, folders, experiment, diverged)
        wait_for_all()
        request.defer()
        try:
            return loop.to_the_end(request, started)
        finally:
            loop.close()
            for folder in folders:
                folder.release()


def _has_ended(folder: RunFolder, experiment: Experiment) -> bool:
    """Whether the last line is there, and so most likely nothing to compile for: its checkpoint may be damaged."""
    if not from_first(folder.is_run):
        return False
    lines = from_first(partial(read_metrics, folder.path))
    return any(line["step"] == experiment.epochs.steps and "eval/loss" in line for line in lines)


class _Loop:
    """Runs that take their steps together."""

    def __init__(
        self,
        jobs: Sequence[Job],
        folders: Sequence[RunFolder],
        experiment: Experiment,
        diverged: Callable[[Job, DivergedError], None],
    ):
        self._experiment, self._diverged = experiment, diverged
        self._outcomes: list[Outcome | None] = [None] * len(jobs)
        self._jobs = jobs
        several = len(jobs) > 1
        # By the place of their jobs, those that have neither ended nor diverged.
        self._going = {
            place: Run(job.config, folder, experiment, traits, name=folder.path.name if several else "")
            for place, (job, folder, traits) in enumerate(zip(jobs, folders, experiment.traits, strict=True))
        }
        if fresh := [run for run in self._going.values() if not run.step]:
            _log.info("%s", parameter_overview.get_parameter_overview(fresh[0].state.params, include_stats=False))

    def close(self) -> None:
        """Closes the files of those that are left."""
        for run in self._going.values():
            run.close()

    def to_the_end(self, stop: StopRequest, started: float) -> list[Outcome | None]:
        """How each of the jobs ended; `started` is the time from which the first step is counted."""
        epochs = self._experiment.epochs
        step = min(run.step for run in self._going.values())
        with TrainingProgress(steps=epochs.steps, epochs=epochs.count, step=step) as progress:
            self._show_best(progress)
            first = True
            while True:
                for split in ("val", "eval"):
                    self._evaluate(split, stop, progress)
                if stop.is_due():
                    self._stop(stop)
                self._let_go()
                if not self._going:
                    return self._outcomes
                metrics = self._advance()
                if first:
                    # The only step that is waited for.
                    jax.block_until_ready(metrics)
                    _log.info("first step done %.1f s after the start", time.perf_counter() - started)
                    first = False
                self._show(progress)

    def _evaluate(self, split: str, stop: StopRequest, progress: TrainingProgress) -> None:
        """Evaluates those for which the split is due; where a signal comes in between it stays due."""
        due = {place: run for place, run in self._going.items() if run.due == split}
        if not due:
            return
        self._show(progress, "evaluating")
        evaluate = self._experiment.programs.evaluate(len(due))
        states, traits = tuple(run.state for run in due.values()), tuple(run.traits for run in due.values())
        totals: tuple[EvalMetrics, ...] = ()
        with closing(feed(self._experiment.eval_batches(split), self._experiment.mesh)) as batches:
            for batch in batches:
                if stop.is_due():
                    return
                metrics = evaluate(states, batch, traits)
                totals = tuple(map(_merge, totals, metrics)) if totals else metrics
        for place, total in zip(due, totals, strict=True):
            with self._noticing(place) as run:
                run.evaluated(split, total)
        self._show_best(progress)

    def _advance(self) -> tuple[TrainMetrics, ...]:
        """One step of all; gives their metrics."""
        runs = list(self._going.values())
        states, metrics = self._experiment.programs.train(len(runs))(
            tuple(run.state for run in runs),
            tuple(next(run.batches) for run in runs),
            tuple(run.traits for run in runs),
        )
        for place, state, own in zip(list(self._going), states, metrics, strict=True):
            with self._noticing(place) as run:
                run.advance(state, own)
        return metrics

    def _let_go(self) -> None:
        for place, run in list(self._going.items()):
            if run.is_over and run.due is None:
                self._outcomes[place] = run.outcome
                self._leave(place)

    def _stop(self, stop: StopRequest) -> NoReturn:
        steps = " and ".join(map(str, sorted({run.step for run in self._going.values()})))
        for place in list(self._going):
            with self._noticing(place) as run:
                run.save()
        raise Stopped(
            f"stopped by {stop.name} at step {steps} of {self._experiment.epochs.steps}; everything is saved",
            exit_code=stop.exit_code,
        )

    @contextmanager
    def _noticing(self, place: int) -> Iterator[Run]:
        """Within the block a run may turn out to have diverged, and then leaves."""
        run = self._going[place]
        try:
            yield run
        except DivergedError as error:
            explained = run.explain(error)
            self._leave(place)
            self._diverged(self._jobs[place], explained)

    def _leave(self, place: int) -> None:
        self._going.pop(place).close()

    def _show(self, progress: TrainingProgress, doing: str = "") -> None:
        """Where the hindmost stands."""
        if self._going:
            step = min(run.step for run in self._going.values())
            progress.at(step, self._experiment.epochs.of(max(step - 1, 0)), doing)

    def _show_best(self, progress: TrainingProgress) -> None:
        bests = [run.best for run in self._going.values() if run.best]
        if bests:
            best = max(bests, key=lambda best: best.value)
            progress.best(best.value, self._experiment.epochs.of(best.step - 1))


_merge = jax.jit(EvalMetrics.merge)
