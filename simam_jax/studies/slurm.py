"""Tasks run as an array of Slurm jobs, through submitit."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simam_jax.errors import Stopped, UsageError
from simam_jax.reporting.json_file import read_object
from simam_jax.reporting.whole_files import write_whole
from simam_jax.studies.signals import Signals
from simam_jax.studies.slurm_job import SlurmJob
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

    Jobs of an earlier call that are still in the queue are waited for and not submitted again.

    Args:
        tasks: what to run.
        report: hears of each that has ended.
        signals: a signal that comes cancels the jobs, which save.
        executor: as `create_executor` gives it.
        poll_s: seconds between looks at the jobs.

    Raises:
        UsageError: Slurm refuses the jobs, or the file that says which there are is damaged.
        Stopped: a signal came.
    """
    folder = Path(executor.folder)
    known: dict[str, str] = read_object(folder / _JOBS) if (folder / _JOBS).exists() else {}
    running: dict[Task, Any] = {}
    for task in tasks:
        if task.name in known:
            job = executor.job_class(executor.folder, known[task.name])
            if not job.done(force_check=True):
                running[task] = job
    if running:
        _log.info("jobs of an earlier call still in the queue: %d", len(running))
    attempts = dict.fromkeys(tasks, 0)
    submit = [task for task in tasks if task not in running]
    try:
        while submit or running:
            if submit and not signals.received:
                jobs = _submit(executor, submit)
                running |= zip(submit, jobs, strict=True)
                known |= {task.name: job.job_id for task, job in zip(submit, jobs, strict=True)}
                write_whole(folder, {_JOBS: json.dumps(known, indent=2) + "\n"})
                _log.info("submitted: %s", ", ".join(job.job_id for job in jobs))
            submit = []
            if signals.received:
                break
            time.sleep(poll_s)
            for task, job in [(task, job) for task, job in running.items() if job.done()]:
                del running[task]
                attempts[task] += 1
                code = _exit_code(job)
                if code == TERMINATED and attempts[task] < _MOST_ATTEMPTS:
                    submit.append(task)
                else:
                    report(task, code)
    except BaseException:
        _cancel(running.values(), poll_s)
        raise
    if signals.received:
        _cancel(running.values(), poll_s)
        raise Stopped(f"stopped by {signals.received[0].name}", exit_code=signals.exit_code)


def _submit(executor: Any, tasks: Sequence[Task]) -> list[Any]:
    try:
        return executor.submit_array([SlurmJob(task) for task in tasks])
    # RuntimeError is submitit's, where sbatch ends with an error or says what it does not understand.
    except (RuntimeError, FileNotFoundError) as error:
        said = str(error).strip().splitlines() or ["it does not say why"]
        raise UsageError(f"--executor slurm: Slurm refuses the jobs: {said[-1]}") from error


def _exit_code(job: Any) -> int:
    """The task's; 1 of a job that ended without one, as on a node that failed."""
    error = job.exception()
    if error is None:
        return job.result()
    _log.warning("job %s: %s", job.job_id, " ".join(str(error).split())[:300])
    return 1


def _cancel(jobs: Any, poll_s: float) -> None:
    """Cancels jobs and waits until they have saved and ended."""
    rest = list(jobs)
    for job in rest:
        job.cancel(check=False)
    deadline = time.monotonic() + _STOPPING_S
    while (rest := [job for job in rest if not job.done(force_check=True)]) and time.monotonic() < deadline:
        time.sleep(poll_s)
