"""A signal ends what has nothing to save at once, and is noted where there is something."""

import os
import signal
import subprocess
import sys
import time

import pytest

from simam_jax.errors import Stopped
from simam_jax.training.stopping import StopRequest

SIGNALS = [(signal.SIGTERM, 75), (signal.SIGINT, 130)]


@pytest.mark.parametrize(("number", "exit_code"), SIGNALS)
def test_with_nothing_to_save_it_stops_at_once(number, exit_code):
    before = signal.getsignal(number), signal.set_wakeup_fd(-1)
    with StopRequest(), pytest.raises(Stopped, match=f"stopped by {number.name} before the first step") as stopped:
        os.kill(os.getpid(), number)
    assert stopped.value.exit_code == exit_code
    assert (signal.getsignal(number), signal.set_wakeup_fd(-1)) == before


@pytest.mark.parametrize(("number", "exit_code"), SIGNALS)
def test_with_something_to_save_it_is_noted(number, exit_code):
    with StopRequest() as stop:
        stop.defer()
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert (stop.name, stop.exit_code) == (number.name, exit_code)


def test_a_second_ctrl_c_waits_for_nothing():
    with StopRequest() as stop:
        stop.defer()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


IN_A_COMPILER = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2 * 10**8)"
IN_A_CALLBACK = """
import os, signal, time, weakref
class Gone: pass
def lose(_): print("called", flush=True); time.sleep(3)
gone = Gone()
reference = weakref.ref(gone, lose)
del gone
time.sleep(60)
"""


@pytest.mark.parametrize(("number", "exit_code"), SIGNALS)
@pytest.mark.parametrize("busy", [IN_A_COMPILER, IN_A_CALLBACK], ids=["compiler", "callback"])
def test_a_main_thread_on_which_it_has_no_effect_is_ended(number, exit_code, busy, python_environment):
    """Minutes in one call of C, where Python runs no handler, or in a callback whose exceptions Python drops."""
    program = f"""
from simam_jax.training import unanswered
from simam_jax.training.stopping import StopRequest
unanswered._UNWINDING = 2
with StopRequest():
    print("in", flush=True)
    exec({busy!r})
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], env=python_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(number)
        began = time.monotonic()
        _, error = process.communicate(timeout=120)
    assert time.monotonic() - began < 10
    assert process.returncode == exit_code
    assert error.decode().endswith(
        f"stopped by {number.name} before the first step; nothing is lost; run the same command again\n"
    )
