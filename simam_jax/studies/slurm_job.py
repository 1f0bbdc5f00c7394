"""A task inside a job of Slurm."""

import signal
import subprocess
import time

from simam_jax.studies.tasks import DONE, TERMINATED, Task, environment

# What submitit has Slurm send before the time limit.
_NOTICE = signal.SIGUSR2
_POLL_S = 0.2


class SlurmJob:
    """Runs a task's commands and returns its exit code.

    Before the time limit the running command is asked to save and end. So it is by Slurm itself at a preemption and at
    scancel, which reach all processes of the job. The code is then 75, and who submitted the job submits it again.
    """

    def __init__(self, task: Task):
        """Takes the task; nothing is run yet."""
        self._task = task
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def __call__(self) -> int:
        """Runs the commands, one after the other."""
        signal.signal(_NOTICE, self._stop)
        for command in self._task.commands:
            with self._task.open_log() as log:
                self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment())
            while self._process.poll() is None:  # wait() holds a lock that the handler would need
                time.sleep(_POLL_S)
            if self._process.returncode != DONE:
                return self._process.returncode
            if self._stopping:
                return TERMINATED
        return DONE

    def _stop(self, *_) -> None:
        self._stopping = True
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
