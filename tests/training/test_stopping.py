"""A signal ends what has nothing to save at once, and is noted where there is something."""

import os
import signal
import subprocess
import sys
import time

import pytest

from simam_jax.training.stopping import StopRequest

SIGNALS = [(signal.SIGTERM, 75), (signal.SIGINT, 130)]


@pytest.mark.parametrize(("number", "exit_code"), SIGNALS)
def test_with_something_to_save_it_is_noted(number, exit_code):
    before = signal.getsignal(number), signal.set_wakeup_fd(-1)
    with StopRequest() as stop:
        stop.defer()
        assert not stop.is_due()
        os.kill(os.getpid(), number)
        assert stop.is_due()
        assert (stop.name, stop.exit_code) == (number.name, exit_code)
    assert (signal.getsignal(number), signal.set_wakeup_fd(-1)) == before


def test_a_second_ctrl_c_waits_for_nothing():
    with StopRequest() as stop:
        stop.defer()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


class Ballots:
    """A vote of which the outcomes are known; says what this process gave."""

    def __init__(self, outcomes):
        self.outcomes, self.cast_here = iter(outcomes), []

    def cast(self, weight: int) -> int:
        self.cast_here.append(weight)
        return next(self.outcomes)


def test_the_signal_that_weighs_most_is_everybodys():
    with StopRequest() as stop:
        stop.defer()
        stop._vote = ballots = Ballots([0, 2])
        os.kill(os.getpid(), signal.SIGTERM)
        assert not stop.is_due()
        assert stop.is_due()
        assert stop.is_due(), "and nobody votes any more"
        assert ballots.cast_here == [1, 1]
        assert (stop.name, stop.exit_code) == ("SIGINT to another process", 130)


LAST = """
import os, signal
from simam_jax.training.stopping import StopRequest
with StopRequest(last=True) as stop:
    stop.defer()
for number in (signal.SIGTERM, signal.SIGINT):
    os.kill(os.getpid(), number)
print("done")
"""


def test_after_the_last_block_no_signal_counts(python_environment):
    done = subprocess.run(
        [sys.executable, "-c", LAST], env=python_environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_no_jax_is_needed_before_there_is_something_to_save(python_environment):
    program = "import simam_jax.training.stopping, sys; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], env=python_environment, check=True)


IN_PYTHON = "import time; time.sleep(60)"
IN_A_COMPILER = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2 * 10**8)"
IN_A_CALLBACK = """
import time, weakref
class Gone: pass
gone = Gone()
reference = weakref.ref(gone, lambda _: time.sleep(60))
del gone
"""


@pytest.mark.parametrize(("number", "exit_code"), SIGNALS)
@pytest.mark.parametrize("busy", [IN_PYTHON, IN_A_COMPILER, IN_A_CALLBACK], ids=["python", "compiler", "callback"])
def test_with_nothing_to_save_it_ends_at_once(number, exit_code, busy, python_environment):
    """Also in one long call of C, where Python runs no handler, and in a callback, whose exceptions it drops."""
    program = (
        "from simam_jax.training.stopping import StopRequest\n"
        f"with StopRequest():\n    print('in', flush=True)\n    exec({busy!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], env=python_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(number)
        began = time.monotonic()
        _, error = process.communicate(timeout=120)
    assert time.monotonic() - began < 5
    assert process.returncode == exit_code
    assert error.decode() == (
        f"stopped by {number.name} before the first step; nothing is lost: run the same command again\n"
    )
