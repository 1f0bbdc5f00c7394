"""Tasks run on this machine, each in processes of its own."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from simam_jax.errors import Stopped
from simam_jax.studies.lifeline import lead
from simam_jax.studies.signals import Signals
from simam_jax.studies.tasks import DONE, TERMINATED, Report, Task, environment

_POLL_S = 0.05


def run_tasks(
    tasks: Sequence[Task], report: Report, signals: Signals, *, jobs: int = 1, hold: int | None = None
) -> None:
    """Runs tasks, some at a time; one that fails ends no other.

    With several at a time each gets its share of the processors and, where there are several, a GPU.

    Args:
        tasks: in the order in which they begin.
        report: hears of each that has ended.
        signals: a signal that comes is handed on to every running process, all of which are waited for.
        jobs: how many at a time.
        hold: a file descriptor that the processes keep open for as long as they run.

    Raises:
        Stopped: a signal came.
    """
    waiting, running = list(reversed(tasks)), dict[int, _Running]()
    free, handed_on = list(reversed(range(jobs))), 0
    try:
        while running or (waiting and not signals.received):
            while waiting and free and not signals.received:
                slot = free.pop()
                running[slot] = _Running(waiting.pop(), _share(slot, jobs), _cpus(slot, jobs), hold)
            time.sleep(_POLL_S)
            for number in signals.received[handed_on:]:
                handed_on += 1
                for each in running.values():
                    each.process.send_signal(number)
            for slot, each in list(running.items()):
                if (code := each.poll(go_on=not signals.received)) is not None:
                    del running[slot]
                    free.append(slot)
                    report(each.task, code)
    finally:
        for each in running.values():
            each.process.terminate()
        for each in running.values():
            each.process.wait()
    if signals.received:
        raise Stopped(f"stopped by {signals.received[0].name}", exit_code=signals.exit_code)


class _Running:
    """A task that has begun."""

    def __init__(self, task: Task, share: dict[str, str], cpus: Sequence[int], hold: int | None):
        self.task = task
        self._share, self._cpus, self._hold = share, cpus, hold
        self._rest = list(task.commands)
        self.process = self._start()

    def poll(self, *, go_on: bool) -> int | None:
        """The task's exit code where it has ended; else None, and the next command is started where it is its turn."""
        code = self.process.poll()
        if code is None:
            return None
        if code != DONE or not self._rest:
            return code
        if not go_on:
            return TERMINATED
        self.process = self._start()
        return None

    def _start(self) -> subprocess.Popen[bytes]:
        with ExitStack() as stack:
            log = stack.enter_context(self.task.open_log())
            return subprocess.Popen(
                lead(self._rest.pop(0), self._cpus),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment() | self._share,
                pass_fds=() if self._hold is None else (self._hold,),
                start_new_session=True,  # Ctrl-C reaches us alone, and we hand it on
            )


def _cpus(slot: int, jobs: int) -> list[int]:
    """The processors of a slot; none where each process may use all."""
    if jobs == 1 or not hasattr(os, "sched_getaffinity"):
        return []
    known = sorted(os.sched_getaffinity(0))
    return known[slot::jobs] or [known[slot % len(known)]]


def _share(slot: int, jobs: int) -> dict[str, str]:
    """What divides accelerators among slots."""
    if jobs == 1:
        return {}
    share = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # else the first would take nearly all of a GPU's memory
    if gpus := visible_gpus():
        share["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return share


def visible_gpus() -> list[str]:
    """The NVIDIA GPUs that this process may use, by what CUDA_VISIBLE_DEVICES calls them; found without using one."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [each for each in named.split(",") if each]
    found = [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia*")]
    return [str(place) for place in range(sum(bool(re.fullmatch(r"\d+", each)) for each in found))]
