"""Becomes another program, which is asked to end when the process that started it has ended, however that was.

    python -m simam_jax.studies.lifeline PARENT [--cpus 0,1] COMMAND …

A study that is killed would otherwise leave its trials training. They get SIGTERM, save and end. On other systems than
Linux the command runs without that.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

# From Linux' prctl.h.
_SET_PARENT_DEATH_SIGNAL = 1


def lead(command: Sequence[str], cpus: Sequence[int] = ()) -> list[str]:
    """The command line that runs a command so, as a child of this process.

    Args:
        command: the program and its arguments.
        cpus: that it may use; none given are all of ours.
    """
    words = ["--cpus", ",".join(map(str, cpus))] if cpus else []
    return [sys.executable, "-m", "simam_jax.studies.lifeline", str(os.getpid()), *words, *command]


def main(words: Sequence[str]) -> None:
    """Replaces this process."""
    parent, *command = words
    if command[0] == "--cpus":
        os.sched_setaffinity(0, map(int, command[1].split(",")))
        command = command[2:]
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != int(parent):  # it has ended already
            sys.exit(75)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
