"""What a study has processes do: a few commands, one after the other."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from simam_jax.benchmarking.field import python_path

# Exit codes, of `errors`; negative ones are the signals of processes that had nothing to save yet.
DONE, DIVERGED, TERMINATED, INTERRUPTED = 0, 3, 75, 130
STOPPED = (TERMINATED, INTERRUPTED, -signal.SIGTERM, -signal.SIGINT)
_TAIL = 4000


@dataclass(frozen=True)
class Task:
    """Commands that are run one after the other, the next only where the one before ended well.

    Attributes:
        name: what is said of it.
        commands: each a program and its arguments.
        log: where their output is added.
        writes: the files and folders that they make, named from the study's folder on.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    log: Path
    writes: tuple[str, ...] = ()

    def open_log(self) -> IO[bytes]:
        """The log, to write behind what earlier attempts left."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return self.log.open("ab")

    def reason(self) -> str:
        """The last line of the log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log.stat().st_size - _TAIL, 0))
                lines = file.read().decode(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return ""
        return lines[-1].strip() if lines else ""


Report = Callable[[Task, int], None]
"""Hears of a task that has ended, and of its exit code, which is negative where a signal killed it."""


def environment() -> dict[str, str]:
    """Ours, in which the package that we are is found."""
    return os.environ | python_path()
