"""Tasks run as an array of Slurm jobs, through submitit."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simam_jax.errors import Stopped, UsageError
from simam_jax.studies.signals import Signals
from simam_jax.studies.slurm_job import SlurmJob
from simam_jax.studies.slurm_jobs import JobBook, exit_code, find_jobs, is_over
from simam_jax.studies.tasks import TERMINATED, Report, Task

_log = logging.getLogger(__name__)

_DEFAULTS = {"time": 480, "cpus_per_task": 4, "job_name": "compare"}
_JOBS = "jobs.json"
_POLL_S, _STOPPING_S = 2.0, 120.0
# How often a task is submitted again that was stopped, saved, by a time limit or a preemption.
_MOST_ATTEMPTS = 100


def create_executor(folder: Path, options: Mapping[str, str], *, jobs: int) -> Any:
    """A submitit executor for this machine's Slurm.

    Args:
        folder: for submitit's files; all nodes must see it.
        options: of sbatch, by their long names; time is in minutes.
        jobs: most jobs that run at the same time.

    Raises:
        UsageError: submitit or Slurm is missing, or it refuses an option.
    """
    try:
        import submitit
    except ImportError as error:
        raise UsageError(
            "--executor slurm needs submitit: pip install submitit, or this package with the extra slurm"
        ) from error
    try:
        executor = submitit.SlurmExecutor(folder)
    except RuntimeError as error:
        raise UsageError("--executor slurm: there is no Slurm here, srun is not on the PATH") from error
    further: dict[str, Any] = {
        "no_requeue": True
    }  # we submit again ourselves; two of a trial would be in each other's way
    for name, text in {**_DEFAULTS, "array_parallelism": jobs, **options}.items():
        value = int(text) if str(text).isdecimal() else text
        try:
            executor.update_parameters(**{name.replace("-", "_"): value})
        except ValueError:
            further[name] = value
    executor.update_parameters(additional_parameters=further)
    return executor


def run_on_slurm(
    tasks: Sequence[Task], report: Report, signals: Signals, *, executor: Any, poll_s: float = _POLL_S
) -> None:
    """Submits tasks, waits for them, and submits again those that were stopped, saved, from outside.

    What a job of an earlier call is still at is not begun beside it: the task that writes just what the job does ends
    with it, another that writes some of it is submitted when the job has ended.

    Args:
        tasks: what to run; no two write the same.
        report: hears of each that has ended.
        signals: a signal that comes cancels the jobs, which save.
        executor: as `create_executor` gives it.
        poll_s: seconds between looks at the jobs.

    Raises:
        UsageError: Slurm refuses the jobs, or the file that says which there are is damaged.
        Stopped: a signal came.
    """
    book = JobBook(Path(executor.folder) / _JOBS)
    running = find_jobs(book, [name for task in tasks for name in task.writes], executor)
    if running:
        _log.info("jobs of an earlier call still in the queue: %d", len(running))
    # By job, the task that ends with it.
    ending = {job: task for task in tasks for job, names in book.of(task.writes).items() if names == {*task.writes}}
    waiting = [task for task in tasks if task not in ending.values()]
    attempts = dict.fromkeys(tasks, 0)
    try:
        while (waiting or running) and not signals.received:
            if ready := [task for task in waiting if not book.of(task.writes)]:
                jobs = {job.job_id: job for job in _submit(executor, ready)}
                running |= jobs
                ending |= zip(jobs, ready, strict=True)
                book.add({job: task.writes for job, task in zip(jobs, ready, strict=True)})
                waiting = [task for task in waiting if task not in ready]
                _log.info("submitted: %s", ", ".join(jobs))
            time.sleep(poll_s)
            for job_id, job in [(job_id, job) for job_id, job in running.items() if is_over(job)]:
                code = exit_code(job)
                del running[job_id]
                book.forget([job_id])
                task = ending.pop(job_id, None)
                if task is None:
                    continue
                attempts[task] += 1
                if code == TERMINATED and attempts[task] < _MOST_ATTEMPTS:
                    waiting.append(task)
                else:
                    report(task, code)
    except BaseException:
        _cancel(running, book, poll_s)
        raise
    if signals.received:
        _cancel(running, book, poll_s)
        raise Stopped(f"stopped by {signals.received[0].name}", exit_code=signals.exit_code)


def _submit(executor: Any, tasks: Sequence[Task]) -> list[Any]:
    try:
        return executor.submit_array([SlurmJob(task) for task in tasks])
    # RuntimeError is submitit's, where sbatch ends with an error or says what it does not understand.
    except (RuntimeError, FileNotFoundError) as error:
        said = str(error).strip().splitlines() or ["it does not say why"]
        raise UsageError(f"--executor slurm: Slurm refuses the jobs: {said[-1]}") from error


def _cancel(running: Mapping[str, Any], book: JobBook, poll_s: float) -> None:
    """Cancels jobs and waits until they have saved and ended."""
    left = dict(running)
    for job in left.values():
        job.cancel(check=False)
    deadline = time.monotonic() + _STOPPING_S
    while left and time.monotonic() < deadline:
        ended = [job_id for job_id, job in left.items() if is_over(job, force=True)]
        book.forget(ended)
        left = {job_id: job for job_id, job in left.items() if job_id not in ended}
        if left:
            time.sleep(poll_s)
