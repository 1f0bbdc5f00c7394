"""Processes that decode outlast the signals of a job, and not the process that they work for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def taker(python_environment):
    """A process that takes batches, and the ids of those that decode for it."""
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("endless_batches.py")],
        env=python_environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        decoding = [int(word) for word in process.stdout.readline().split()]
        assert len(decoding) == 2
        yield process, decoding
        process.kill()


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ask(process: subprocess.Popen) -> list[int]:
    process.stdin.write("\n")
    process.stdin.flush()
    return [int(word) for word in process.stdout.readline().split()]


def test_a_signal_to_the_whole_job_is_not_theirs(taker):
    process, decoding = taker
    for pid in decoding:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(pid, number)
    for batch in range(2, 12, 2):  # more than were ready
        assert ask(process) == [4 * batch, 4 * batch + 4]
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    assert not any(map(runs, decoding))


def test_they_end_with_the_process_that_they_work_for(taker):
    process, decoding = taker
    assert all(map(runs, decoding))
    process.kill()
    end = time.monotonic() + 10
    while any(map(runs, decoding)):
        assert time.monotonic() < end, "they live on"
        time.sleep(0.05)
