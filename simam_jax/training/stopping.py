"""Stopping on a signal: at once while there is nothing to save, after that at the next safe moment."""

import signal
import threading
from types import FrameType

from simam_jax.training.ending import EndOnSignal

_EXIT_CODES = {signal.SIGTERM: 75, signal.SIGINT: 130}


class StopRequest:
    """A context in which SIGTERM and Ctrl-C end the work without losing any of it.

    Until `defer` is called there is nothing to save, and a signal ends the process at once, with one line. After it a
    signal is noted, for whoever asks, and a second Ctrl-C raises KeyboardInterrupt, for whoever cannot wait. Outside
    the main thread, where no signal arrives, it notes nothing.
    """

    def __init__(self):
        self._signal: int | None = None
        self._previous: dict[int, object] = {}
        self._ending = EndOnSignal(
            {
                int(
                    number
                ): f"stopped by {number.name} before the first step; nothing is lost: run the same command again"
                for number in _EXIT_CODES
            },
            exit_codes={int(number): code for number, code in _EXIT_CODES.items()},
        )

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _EXIT_CODES}
            self._ending.start()
        return self

    def __exit__(self, *_) -> None:
        self._ending.stop()
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def defer(self) -> None:
        """From here on signals are noted: there is something to save first."""
        self._ending.stop()

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

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT and self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number
