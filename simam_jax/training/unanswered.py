"""Ending a process whose main thread does not come to answer a signal."""

import os
import signal
import sys
import threading
from collections.abc import Mapping

_PATIENCE = 0.5  # seconds until the handler runs
_UNWINDING = 10.0  # seconds from there until the watch is stopped
_END = 0  # no signal's number


class EndIfUnanswered:
    """A thread that ends the process with a line and an exit code where a signal stays without effect.

    Python runs its handlers in the main thread and between its instructions: a compiler that takes a minute keeps them
    waiting for as long. And what they raise is lost where they happen to run inside a callback from C. The interpreter
    writes a signal's number to a pipe at once, though, and a thread can read it.
    """

    def __init__(self, lines: Mapping[int, str], *, exit_codes: Mapping[int, int]):
        """What to say on stderr, and to exit with, by signal; others are none of its business."""
        self._lines = lines
        self._exit_codes = exit_codes
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watches from here on; to be called in the main thread."""
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._previous = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="end if unanswered", daemon=True)
        self._thread.start()

    def answer(self) -> None:
        """To be called by the signal's handler."""
        self._answered.set()

    def stop(self) -> None:
        """Watches no longer; harmless where it does not."""
        if self._thread is None:
            return
        self._stopped.set()
        signal.set_wakeup_fd(self._previous)
        os.write(self._writing, bytes([_END]))
        self._thread.join()
        self._thread = None
        os.close(self._reading)
        os.close(self._writing)

    def _watch(self) -> None:
        while (number := os.read(self._reading, 1)[0]) != _END:
            if number not in self._lines:
                continue
            if not (self._answered.wait(_PATIENCE) and self._stopped.wait(_UNWINDING)):
                print(self._lines[number], file=sys.stderr, flush=True)
                os._exit(self._exit_codes[number])
