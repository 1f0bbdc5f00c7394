import subprocess
import sys

import pytest

PROGRAM = """
import resource
from simam_jax.host_memory import keep_freed_memory
assert keep_freed_memory()
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def touch():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    piece = libc.malloc(200_000_000)
    ctypes.memset(piece, 1, 200_000_000)
    libc.free(piece)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
touch()
print(touch())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc")
def test_memory_that_was_given_back_is_not_asked_for_again(python_environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=python_environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100  # of 48,828 pages


DISPATCH = """
from simam_jax.host_memory import keep_one_step_s_memory
keep_one_step_s_memory()
import jax, jax.numpy as jnp
step = jax.jit(lambda x: jax.lax.fori_loop(0, 200, lambda _, x: jnp.tanh(x @ x), x))
x = step(jnp.ones((300, 300)))
print(all(step(x).is_ready() for _ in range(5)))
"""


def test_a_step_that_was_dispatched_is_done(python_environment):
    done = subprocess.run(
        [sys.executable, "-c", DISPATCH], env=python_environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
