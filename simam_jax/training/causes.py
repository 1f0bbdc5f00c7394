"""What an error of JAX's or Orbax's comes from: storage that fails, the group of processes, or neither."""

import os
import re
from collections.abc import Iterator

import jax

from simam_jax.errors import STORAGE_ERRNOS

# TensorStore raises a ValueError, and says in its text what the system has said.
_OF_TENSORSTORE = re.compile(r"os_error_code='(\d+)'")


def from_storage(error: BaseException) -> str | None:
    """What the system says of storage, where that is at fault and not what a file holds; else None."""
    for each in _all(error):
        numbers = [int(number) for number in _OF_TENSORSTORE.findall(str(each))]
        if isinstance(each, OSError) and each.errno is not None:
            numbers.append(each.errno)
        for number in numbers:
            if number in STORAGE_ERRNOS:
                return os.strerror(number)
    return None


def from_devices(error: BaseException) -> bool:
    """Whether XLA raised it: as where a collective misses a process, or a device has no memory left."""
    return any(isinstance(each, jax.errors.JaxRuntimeError) for each in _all(error))


def _all(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it."""
    yield error
    led_to = [error.__cause__ or error.__context__, *getattr(error, "exceptions", ())]
    for each in led_to:
        if each is not None:
            yield from _all(each)
