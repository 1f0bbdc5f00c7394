"""The host's memory where it is the device's: one step's worth, kept from step to step."""

import ctypes
import mmap
import os
import sys
from pathlib import Path

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_NEVER = -1
# Of /proc/sys/vm/overcommit_memory.
_STRICT = "2"


def keep_one_step_s_memory() -> None:
    """Has JAX on a CPU run one program after another, and this process keep what one has freed for the next.

    JAX's CPU takes a program's working memory when it is dispatched, so each one that waits its turn holds as much as
    the one that runs, and has nothing to gain from it: without, training holds two to three steps' memory. Call it
    before JAX's first operation.
    """
    import jax

    keep_freed_memory()
    jax.config.update("jax_cpu_enable_async_dispatch", False)


def keep_freed_memory() -> bool:
    """Has glibc hold on to what this process frees, until it ends; whether that could be arranged.

    XLA:CPU takes the working memory of a whole program from malloc at every call and frees it after. By default glibc
    gives so large a piece back to the system, which then hands it out again page by page, zeroed: a quarter of the time
    of a TowerNet step. Call it before threads are started; elsewhere than on Linux with glibc it does nothing.

    Where Linux gives huge pages to those who ask, it asks for them: arrays of a hundred megabytes span so many small
    pages that finding them takes a tenth of a step.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL(None)
        mallopt = libc.mallopt
    except (OSError, AttributeError):
        return False
    kept = all([mallopt(_ARENA_MAX, 1), mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, _NEVER)])
    if kept and _promises_are_free():
        _ask_for_huge_pages(libc, os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE // 2)
    return kept


def _promises_are_free() -> bool:
    """Whether Linux counts memory where it is used, and not where it is asked for."""
    try:
        return Path("/proc/sys/vm/overcommit_memory").read_text().strip() != _STRICT
    except OSError:
        return False


def _ask_for_huge_pages(libc: ctypes.CDLL, size: int) -> None:
    """Has so many bytes of what malloc will give come in huge pages, once they are written to; where it fails, none."""
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    # What is freed stays on the heap, with what was said of it, and is given out again.
    if piece := libc.malloc(size):
        first = -(-piece // mmap.PAGESIZE) * mmap.PAGESIZE
        libc.madvise(first, size - mmap.PAGESIZE, mmap.MADV_HUGEPAGE)
        libc.free(piece)
