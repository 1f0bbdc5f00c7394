"""A process is ended from a thread. What a signal does to a run is in test_stopping.py."""

import subprocess
import sys
import time

import pytest


@pytest.fixture
def run(python_environment):
    def run(program: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", program], env=python_environment, capture_output=True, text=True, check=False
        )

    return run


def test_time_is_up(run):
    began = time.monotonic()
    done = run(
        "import time\nfrom simam_jax.training.ending import ends_after\n"
        "with ends_after(0.2, 'too late', 75): time.sleep(60)"
    )
    assert (done.returncode, done.stderr) == (75, "too late\n")
    assert time.monotonic() - began < 30


def test_a_block_that_is_in_time_is_let_be(run):
    done = run(
        "import time\nfrom simam_jax.training.ending import ends_after\n"
        "with ends_after(0.2, 'too late', 75): pass\ntime.sleep(0.5)"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_signal_that_it_is_not_told_of_is_left_alone(run):
    done = run(
        "import os, signal\nfrom simam_jax.training.ending import EndOnSignal\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('noted'))\n"
        "ending = EndOnSignal({signal.SIGTERM: 'stopped'}, exit_codes={signal.SIGTERM: 75})\n"
        "ending.start()\nos.kill(os.getpid(), signal.SIGUSR1)\nending.stop()\nending.stop()"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "noted\n", "")
