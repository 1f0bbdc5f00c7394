"""A study from what is asked to its results: whatever is not done yet is done, and nothing twice."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simam_jax.errors import StorageError, UsageError
from simam_jax.reporting.study_files import write_results
from simam_jax.studies.executor import Executor
from simam_jax.studies.planning import count_costs, plan
from simam_jax.studies.results import assemble
from simam_jax.studies.signals import Signals
from simam_jax.studies.study import Study, join_earlier, write_study
from simam_jax.studies.tasks import Report, Task
from simam_jax.studies.work import Work

_log = logging.getLogger(__name__)


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
        StorageError: a trial could not save, or the results cannot be written.
        Stopped: a signal came; every trial has saved.
    """
    if at_once < 1:
        raise UsageError(f"--seeds-at-once must be at least 1, got {at_once}")
    asked = plan(study)
    counted = count_costs(asked)
    join_earlier(asked.study, folder)  # a folder of something else gets no lock
    with locked(folder) as lock, Signals() as signals:
        joined = asked._replace(study=join_earlier(asked.study, folder))
        if joined.study.models != asked.study.models or joined.study.attentions != asked.study.attentions:
            counted = count_costs(joined)
        write_study(folder, joined.study)
        work = Work(joined, folder, at_once=at_once)
        _log.info("%s", work.summary)
        report = _report(work)
        executor.run_alone(work.costs, report, signals, lock)
        executor.run(work.trials, report, signals, lock)
        executor.run(work.explanations(), report, signals, lock)
        results = assemble(joined, folder, counted)
    write_results(folder, results)
    return results


def _report(work: Work) -> Report:
    def report(task: Task, code: int) -> None:
        reason = task.reason().removeprefix("error: ")
        match code:
            case UsageError.exit_code:
                raise UsageError(f"{task.name}: {reason}")
            case StorageError.exit_code:
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
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another compare, or a trial that it left, is at work in {folder}") from None
        yield file.fileno()
