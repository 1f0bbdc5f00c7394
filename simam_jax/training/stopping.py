"""Stopping on a signal at the next safe moment."""

import os
import signal
import threading
from types import FrameType

_EXIT_CODES = {signal.SIGTERM: 75, signal.SIGINT: 130}


class StopRequest:
    """A context in which SIGTERM and Ctrl-C end the process, and once there is something to save are noted instead.

    A second Ctrl-C raises KeyboardInterrupt, for whoever cannot wait. Outside the main thread, where no signal arrives,
    it notes nothing.
    """

    def __init__(self):
        self._signal: int | None = None
        self._deferred = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _EXIT_CODES}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def __bool__(self) -> bool:
        return self._signal is not None

    @property
    def name(self) -> str:
        """The signal's name."""
        return signal.Signals(self._signal).name if self._signal is not None else ""

    @property
    def exit_code(self) -> int:
        """What the process should exit with."""
        return _EXIT_CODES[signal.Signals(self._signal)]

    def defer(self) -> None:
        """From here on signals are noted: there is something to save first."""
        self._deferred = True

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT and self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number
        if not self._deferred:
            # An exception would be lost where it is raised inside one of JAX's callbacks.
            os.write(2, f"stopped by {self.name} before the first step; nothing is lost, run it again\n".encode())
            os._exit(self.exit_code)
