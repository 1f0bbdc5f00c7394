"""Stopping on a signal: at once while there is nothing to save, after that at the next safe moment.

Imports no JAX before there is something to save: a signal may come while that is being imported.
"""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from simam_jax.errors import RUN_AGAIN
from simam_jax.training.ending import EndOnSignal

if TYPE_CHECKING:
    from simam_jax.training.vote import Vote

_EXIT_CODES = {signal.SIGTERM: RUN_AGAIN, signal.SIGINT: 130}
# Where processes get different ones, Ctrl-C counts: SIGTERM's exit code would have a launcher start them again.
_BY_WEIGHT = (None, signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """A context in which SIGTERM and Ctrl-C end the work without losing any of it.

    Until `defer` is called there is nothing to save, and a signal ends the process at once, with one line. After it a
    signal is noted, for whoever asks, and a second Ctrl-C raises KeyboardInterrupt, for whoever cannot wait. Outside
    the main thread, where no signal arrives, it notes nothing.
    """

    def __init__(self, *, last: bool = False):
        """Sets nothing up.

        Args:
            last: after the block comes nothing but the process's end, whose exit code no signal is to change any more.
                Else the handlers that were there before are back after it.
        """
        self._last = last
        self._signal: signal.Signals | None = None
        self._agreed: signal.Signals | None = None
        self._vote: Vote | None = None
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
            self._ending.start()  # first: a signal between the two would be noted, for a step that is far
            self._previous = {number: signal.signal(number, self._note) for number in _EXIT_CODES}
        return self

    def __exit__(self, *_) -> None:
        self._ending.stop()
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_IGN if self._last else handler)  # pyright: ignore[reportArgumentType]

    def defer(self) -> None:
        """From here on signals are noted: there is something to save first."""
        from simam_jax.training.processes import several
        from simam_jax.training.vote import Vote

        if several():
            self._vote = Vote()
        self._ending.stop()

    def is_due(self) -> bool:
        """Whether to stop here.

        Several processes must ask equally often, and all get the same answer: a signal to any of them is one to all.
        """
        if self._agreed is None:
            weight = _BY_WEIGHT.index(self._signal)
            self._agreed = _BY_WEIGHT[weight if self._vote is None else self._vote.cast(weight)]
        return self._agreed is not None

    @property
    def name(self) -> str:
        """The signal's name."""
        name = self._reason.name
        return name if self._reason == self._signal else f"{name} to another process"

    @property
    def exit_code(self) -> int:
        """What the process should exit with."""
        return _EXIT_CODES[self._reason]

    @property
    def _reason(self) -> signal.Signals:
        return self._agreed or self._signal or signal.SIGTERM

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT and self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = signal.Signals(number)
