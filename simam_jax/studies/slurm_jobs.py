"""Jobs of Slurm: which may still be at work on what, which have ended, and how."""

import json
import logging
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError
from simam_jax.reporting.json_file import read_object
from simam_jax.reporting.whole_files import write_whole
from simam_jax.studies.tasks import TERMINATED

_log = logging.getLogger(__name__)

_ASK_S = 60


class JobBook:
    """The jobs that may be in the queue or run, and what each writes: jobs.json, which is there while there are any."""

    def __init__(self, path: Path):
        """Reads what an earlier call left.

        Raises:
            UsageError: the file is damaged.
        """
        self._path = path
        self._writes: dict[str, frozenset[str]] = {}
        for job, names in (read_object(path) if path.exists() else {}).items():
            if not isinstance(names, list):
                raise UsageError(f"{path} is damaged: {names!r} is no list: remove it when none of its jobs is left")
            self._writes[job] = frozenset(names)

    def add(self, jobs: Mapping[str, Iterable[str]]) -> None:
        """Notes jobs, by what they write."""
        self._writes |= {job: frozenset(names) for job, names in jobs.items()}
        self._save()

    def forget(self, jobs: Iterable[str]) -> None:
        """Strikes out jobs that have ended."""
        if ended := [job for job in jobs if job in self._writes]:
            for job in ended:
                del self._writes[job]
            self._save()

    def of(self, names: Iterable[str]) -> dict[str, frozenset[str]]:
        """The jobs that write any of these, and all that each of them writes."""
        wanted = frozenset(names)
        return {job: theirs for job, theirs in self._writes.items() if theirs & wanted}

    def _save(self) -> None:
        if not self._writes:
            self._path.unlink(missing_ok=True)
            return
        content = {job: sorted(names) for job, names in self._writes.items()}
        write_whole(self._path.parent, {self._path.name: json.dumps(content, indent=2) + "\n"})


def find_jobs(book: JobBook, names: Iterable[str], executor: Any) -> dict[str, Any]:
    """Of the book's jobs that write any of these, those that have not ended; the others are struck out.

    Args:
        book: of an earlier call.
        names: what is to be written.
        executor: submitit's.
    """
    # All are made before one is asked about: then submitit asks Slurm about all at once.
    jobs = {job: executor.job_class(executor.folder, job) for job in book.of(names)}
    left = {job_id: job for job_id, job in jobs.items() if not is_over(job)}
    unknown = [job_id for job_id, job in left.items() if _state(job) == "UNKNOWN"]
    queued = _queued() if unknown else None
    if queued is not None:  # what neither the accounting nor the controller knows is gone
        left = {job_id: job for job_id, job in left.items() if job_id not in unknown or job_id in queued}
    book.forget(jobs.keys() - left.keys())
    return left


def is_over(job: Any, *, force: bool = False) -> bool:
    """Whether a job has ended.

    submitit waits for one that was preempted to be queued again, which ours are not.

    Args:
        job: submitit's.
        force: ask Slurm now, and not only every so often.
    """
    return job.done(force_check=force) or _state(job) == "PREEMPTED"


def exit_code(job: Any) -> int:
    """The task's, of a job that is over; 75 of one that a preemption ended before, 1 of one that a failing node did."""
    if not job.done():
        return TERMINATED
    error = job.exception()
    if error is None:
        return job.result()
    _log.warning("job %s: %s", job.job_id, " ".join(str(error).split())[:300])
    return 1


def _state(job: Any) -> str:
    return job.state.upper()


def _queued() -> frozenset[str] | None:
    """Our jobs that are pending or run, as the controller says; None where it does not answer."""
    words = ["squeue", "--noheader", "--array", "--format=%i", f"--user={os.getuid()}"]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, check=True, timeout=_ASK_S)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("warning: squeue does not say which jobs there are: %s", error)
        return None
    return frozenset(asked.stdout.split())
