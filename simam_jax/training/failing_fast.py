"""A save of several processes that fails as soon as its own part has."""

import logging
import queue
import threading
from collections.abc import Callable

from simam_jax.training.causes import from_storage


def failing_fast(save: Callable[[], object]) -> None:
    """Calls Orbax's `save`, and does not wait for its end where this process cannot write its part.

    Orbax notes such an error in a thread of its own and then waits, for ten minutes or more, for the other processes,
    which wait for this one. All that it says before is in its log. Its threads are left behind: the process must end.

    Raises:
        Exception: what `save` raises, or what has befallen its thread and comes from storage.
    """
    outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            save()
        except BaseException as error:
            outcome.put(error)
        else:
            outcome.put(None)

    def listen(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Exception) and from_storage(error) is not None:
            outcome.put(error)
        return False

    log = logging.getLogger("absl")
    before = log.level
    log.filters.insert(0, listen)  # ahead of one that a failed save has left, which lets nothing through
    log.setLevel(logging.ERROR)
    threading.Thread(target=run, name="save", daemon=True).start()
    if error := outcome.get():
        raise error  # the filter stays: the threads that are left behind have more to say
    log.removeFilter(listen)
    log.setLevel(before)
