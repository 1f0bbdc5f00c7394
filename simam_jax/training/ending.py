"""Ending a process on a signal, or when time is up, whatever its main thread is at."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

_STOP = 0  # no signal's number


class EndOnSignal:
    """A thread that ends the process at once, with a line on stderr, when a signal comes.

    A handler of Python's would not do. It runs in the main thread and between its instructions, so a compiler that
    takes a minute keeps it waiting for as long; and what it raises is dropped where it happens to run inside a callback
    from C, as JAX has many. The interpreter writes a signal's number to a pipe at once, though, and a thread can read
    it.
    """

    def __init__(self, lines: Mapping[int, str], *, exit_codes: Mapping[int, int]):
        """What to say and to exit with, by signal; one counts while it has a handler, and others are left alone."""
        self._lines = lines
        self._exit_codes = exit_codes
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watches from here on; to be called in the main thread."""
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._previous = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="end on a signal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watches no longer; harmless where it does not."""
        if self._thread is None:
            return
        signal.set_wakeup_fd(self._previous)
        os.write(self._writing, bytes([_STOP]))
        self._thread.join()
        self._thread = None
        os.close(self._reading)
        os.close(self._writing)

    def _watch(self) -> None:
        while (number := os.read(self._reading, 1)[0]) != _STOP:
            if number in self._lines:
                _end(self._lines[number], self._exit_codes[number])


@contextmanager
def ends_after(seconds: float, line: str, exit_code: int) -> Iterator[None]:
    """A block that may take so long; after that the process ends at once, with a line on stderr."""
    timer = threading.Timer(seconds, _end, (line, exit_code))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(line: str, exit_code: int) -> None:
    with suppress(OSError):  # whoever read it may be gone
        print(line, file=sys.stderr, flush=True)
    os._exit(exit_code)
