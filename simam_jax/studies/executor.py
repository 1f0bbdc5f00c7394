"""Where a study's tasks run, by name."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from simam_jax.errors import UsageError
from simam_jax.studies.local_tasks import run_tasks
from simam_jax.studies.signals import Signals
from simam_jax.studies.slurm import create_executor, run_on_slurm
from simam_jax.studies.tasks import Report, Task

EXECUTORS = ("serial", "processes", "slurm")
_JOBS = 2

Run = Callable[[Sequence[Task], Report, Signals, int], None]
"""Runs tasks; the number is a file descriptor that processes of this machine keep open."""


class Executor(NamedTuple):
    """How tasks are run.

    Attributes:
        run: several at a time, where that is asked for.
        run_alone: with nothing beside them, as what is timed must be; on Slurm a job each.
    """

    run: Run
    run_alone: Run


def choose_executor(name: str, folder: Path, *, jobs: int | None, slurm: Mapping[str, str]) -> Executor:
    """An executor by its name.

    Args:
        name: one of `EXECUTORS`.
        folder: the study's.
        jobs: tasks at a time; None is 2, where there are several.
        slurm: options of sbatch.

    Raises:
        UsageError: an unknown name, no jobs, or Slurm or submitit is missing or refuses an option.
    """
    if name not in EXECUTORS:
        raise UsageError(f"unknown executor {name!r}: it is one of {', '.join(EXECUTORS)}")
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs must be at least 1, got {jobs}")
    if jobs is not None and name == "serial":
        raise UsageError("--jobs goes with --executor processes or slurm: serial runs one task at a time")
    jobs = _JOBS if jobs is None else jobs
    if slurm and name != "slurm":
        raise UsageError("--slurm goes with --executor slurm")
    if name == "slurm":
        executor = create_executor(folder / "slurm", slurm, jobs=jobs)

        def submit(tasks: Sequence[Task], report: Report, signals: Signals, hold: int) -> None:
            del hold  # a job of another machine cannot
            run_on_slurm(tasks, report, signals, executor=executor)

        return Executor(submit, submit)
    return Executor(partial(_run_here, jobs if name == "processes" else 1), partial(_run_here, 1))


def _run_here(jobs: int, tasks: Sequence[Task], report: Report, signals: Signals, hold: int) -> None:
    run_tasks(tasks, report, signals, jobs=jobs, hold=hold)
