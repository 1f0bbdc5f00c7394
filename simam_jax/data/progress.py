"""What long work says while it goes on, and to whom."""

import io
import sys
import time
from typing import TextIO


class Progress:
    """Says nothing; the default of everything that takes a `progress`."""

    def update(self, what: str, done: int, total: int) -> None:
        """`done` of `total` steps of `what` are finished."""

    def say(self, message: str) -> None:
        """Something the user should know, one line."""


class StreamProgress(Progress):
    """Writes to a stream, stderr by default: one line redrawn on a terminal, otherwise a line every few seconds."""

    def __init__(self, stream: io.TextIOBase | TextIO | None = None, *, every: float = 5.0):
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._pause = 0.1 if self._live else every
        self._last = time.monotonic()
        self._drawn = False

    def update(self, what: str, done: int, total: int) -> None:
        finished = done >= total
        if time.monotonic() - self._last < self._pause and not (finished and self._live):
            return
        self._last = time.monotonic()
        text = f"{what}: {done:,} of {total:,} ({done / max(total, 1):.0%})"
        self._stream.write(f"\r\033[K{text}" if self._live else f"{text}\n")
        self._drawn = self._live
        if finished:
            self._end_line()
        self._stream.flush()

    def say(self, message: str) -> None:
        self._end_line()
        self._stream.write(f"{message}\n")
        self._stream.flush()

    def _end_line(self) -> None:
        if self._drawn:
            self._stream.write("\n")
        self._drawn = False
