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
