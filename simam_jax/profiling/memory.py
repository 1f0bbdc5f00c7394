"""The most memory that something took."""

import contextlib
import ctypes
from pathlib import Path

import jax

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class PeakMemory:
    """The peak of this process's memory since it was made: on a device as its allocator counts, on a CPU resident."""

    def __init__(self):
        """Takes what is in use now as the ground to measure from."""
        _give_back()
        self._ground = _in_use()

    def forget_the_past(self) -> None:
        """Starts the peak anew from what is in use now; a device's allocator, and some kernels, cannot do that."""
        _give_back()
        with contextlib.suppress(OSError):
            _CLEAR.write_text(_RESET_PEAK)

    def bytes(self) -> int:
        """The peak above the ground."""
        return _peak() - self._ground


def _give_back() -> None:
    """Returns to the system what was freed; not every C library can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _device_stats() -> dict | None:
    return jax.local_devices()[0].memory_stats()


def _in_use() -> int:
    stats = _device_stats()
    return stats["bytes_in_use"] if stats else _resident("VmRSS")


def _peak() -> int:
    stats = _device_stats()
    return stats["peak_bytes_in_use"] if stats else _resident("VmHWM")


def _resident(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise OSError(f"{_STATUS} has no {field}")
