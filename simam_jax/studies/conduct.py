"""A study from what is asked to its results: whatever is not done yet is done, and nothing twice."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simam_jax.data.lock import lock
from simam_jax.errors import StorageError, UsageError
from simam_jax.reporting.results_files import write_results
from simam_jax.studies.executor import Executor
from simam_jax.studies.planning import Plan, count_costs, plan, warn_of_few_seeds
from simam_jax.studies.results import assemble
from simam_jax.studies.room import has_room
from simam_jax.studies.signals import Signals
from simam_jax.studies.study import Study, drop_unbegun, join_earlier, write_study
from simam_jax.studies.tasks import Report, Task
from simam_jax.studies.trials import Variant
from simam_jax.studies.work import Work

_log = logging.getLogger(__name__)

# Bytes of a checkpoint for each parameter: itself, its momentum, and as much again for what is beside them.
_BYTES_A_PARAMETER = 16


def conduct(study: Study, folder: Path, executor: Executor, *, at_once: int = 1) -> dict[str, Any]:
    """Trains and measures what a study lacks, and writes its results.

    Args:
        study: what is asked for.
        folder: the study's; what an earlier call did there counts.
        executor: where trials run.
        at_once: most trials that are trained as one program.

    Returns:
        The results, as results.json has them.

    Raises:
        UsageError: the study or its config is wrong, the folder is another's, or a trial says that its config is wrong.
        StorageError: there is no room for checkpoints, or the results cannot be written.
        Stopped: a signal came; every trial has saved. As at the other errors, what is finished has its results.
    """
    if at_once < 1:
        raise UsageError(f"--seeds-at-once must be at least 1, got {at_once}")
    asked = plan(study)
    counted = count_costs(asked)
    join_earlier(asked.study, folder)  # a folder of something else gets no lock
    with locked(folder) as hold, Signals() as signals:
        drop_unbegun(asked.study, folder)
        joined = asked._replace(study=join_earlier(asked.study, folder))
        if joined.study.models != asked.study.models or joined.study.attentions != asked.study.attentions:
            counted = count_costs(joined)
        write_study(folder, joined.study)
        work = Work(joined, folder, at_once=at_once)
        _log.info("%s", work.summary)
        if warning := warn_of_few_seeds(joined.study):
            _log.warning("warning: %s", warning)
        report = _report(work, folder, _BYTES_A_PARAMETER * max(each["parameters"] for each in counted.values()))
        try:
            executor.run_alone(work.costs, report, signals, hold)
            executor.run(work.trials, report, signals, hold)
            executor.run(work.explanations(), report, signals, hold)
        except BaseException:
            signals.end_at_once()
            _keep_what_is_finished(joined, folder, counted)
            raise
        signals.end_at_once()
        results = assemble(joined, folder, counted)
        write_results(folder, results)
    return results


def _keep_what_is_finished(plan: Plan, folder: Path, counted: Mapping[Variant, Mapping[str, int]]) -> None:
    """Writes the results of a study that ends before its end, so that there is something to look at."""
    try:
        results = assemble(plan, folder, counted)
        if any(trial["state"] == "done" for variant in results["variants"] for trial in variant["trials"]):
            write_results(folder, results)
    except (UsageError, StorageError) as error:
        _log.warning("warning: no results of what is finished: %s", error)


def _report(work: Work, folder: Path, checkpoint_bytes: int) -> Report:
    """Ends a study at what would end every trial; what is a trial's own, or of costs and pictures, is noted."""

    def report(task: Task, code: int) -> None:
        reason = task.reason().removeprefix("error: ")
        if code == UsageError.exit_code and work.speaks_for_all(task):
            raise UsageError(f"{task.name}: {reason}")
        if code == StorageError.exit_code and work.trains(task) and not has_room(folder, checkpoint_bytes):
            raise StorageError(f"{task.name}: {reason}")
        work.note(task, code, reason)

    return report


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Makes the study's folder and holds it; the trials' processes hold it too, for as long as they run.

    Returns:
        The file descriptor of the lock.

    Raises:
        UsageError: the folder cannot be made, or another has it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise UsageError(f"cannot make the study's folder {folder}: {error.strerror}; choose another --out") from error
    with file:
        try:
            lock(file, folder)
        except BlockingIOError:
            raise UsageError(f"another compare, or a trial that it left, is at work in {folder}") from None
        yield file.fileno()
