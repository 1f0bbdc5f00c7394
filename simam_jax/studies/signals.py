"""Ctrl-C and SIGTERM, noted for a study that has processes to stop first."""

import signal
import threading
from types import FrameType, TracebackType

from simam_jax.errors import Stopped

_EXIT_CODES = {signal.SIGTERM: 75, signal.SIGINT: 130}


class Signals:
    """A context in which Ctrl-C and SIGTERM are noted; outside the main thread, where none arrives, it notes nothing.

    Attributes:
        received: those that have come, in order.
    """

    def __init__(self):
        self.received: list[signal.Signals] = []
        self._previous: dict[signal.Signals, object] = {}
        self._ends_at_once = False

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _EXIT_CODES}
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    @property
    def exit_code(self) -> int:
        """What the process should exit with, by the first."""
        return _EXIT_CODES[self.received[0]]

    def end_at_once(self) -> None:
        """From here on a signal raises `Stopped` where it comes: nothing runs any more that has to be stopped first."""
        self._ends_at_once = True

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received.append(signal.Signals(number))
        if self._ends_at_once:
            raise Stopped(f"stopped by {self.received[-1].name}", exit_code=_EXIT_CODES[self.received[-1]])
