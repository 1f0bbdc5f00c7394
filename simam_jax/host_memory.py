"""The host's memory where it is the device's: one step's worth, kept from step to step."""

import ctypes
import sys

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_NEVER = -1


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
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([mallopt(_ARENA_MAX, 1), mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, _NEVER)])
