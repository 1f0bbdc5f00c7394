import subprocess
import sys
from pathlib import Path

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


HUGE = """
from simam_jax.host_memory import keep_freed_memory
assert keep_freed_memory()
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
piece = libc.malloc(ctypes.c_size_t(200_000_000))
here = False
for line in open("/proc/self/smaps"):
    first, *others = line.split()
    if others and "-" in first and not first.endswith(":"):
        low, high = (int(bound, 16) for bound in first.split("-"))
        here = low <= piece + 100_000_000 < high
    elif here and first == "VmFlags:":
        print("hg" in others)
"""


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists()
    or Path("/proc/sys/vm/overcommit_memory").read_text().strip() == "2",
    reason="no huge pages, or memory is counted where it is asked for",
)
def test_large_pieces_may_come_in_huge_pages(python_environment):
    done = subprocess.run(
        [sys.executable, "-c", HUGE], env=python_environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


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
