"""A task inside a job of Slurm."""

import signal
import subprocess
import time
from collections.abc import Sequence

from simam_jax.studies.tasks import DONE, TERMINATED, Task, environment

# What submitit has Slurm send before the time limit; and what Slurm itself sends, to all processes of a job, at a
# preemption and at scancel.
_NOTICES = (signal.SIGUSR2, signal.SIGTERM)
_POLL_S = 0.2


class SlurmJob:
    """Runs a task's commands and returns its exit code.

    At a notice the running command is asked to save and end, and no other begins. The code is then 75, also of a
    command that SIGTERM ends at once because it has nothing to save; who submitted the job submits it again.
    """

    def __init__(self, task: Task):
        """Takes the task; nothing is run yet."""
        self._task = task
        self._noticed = False

    def __call__(self) -> int:
        """Runs the commands, one after the other."""
        for number in _NOTICES:
            signal.signal(number, self._note)
        for command in self._task.commands:
            if self._noticed:
                return TERMINATED
            code = self._run(command)
            if code != DONE:
                return TERMINATED if code == -signal.SIGTERM else code
        return DONE

    def _run(self, command: Sequence[str]) -> int:
        with self._task.open_log() as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment())
        told = False
        # A handler that told the process itself would miss one that is just being started.
        while (code := process.poll()) is None:
            if self._noticed and not told:
                process.terminate()
                told = True
            time.sleep(_POLL_S)
        return code

    def _note(self, *_) -> None:
        self._noticed = True
