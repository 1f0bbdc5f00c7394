"""Stopping on a signal: at once while there is nothing to save, after that at the next safe moment."""

import signal
import threading
from collections import deque
from functools import partial
from types import FrameType

import jax
import numpy as np
from jax.sharding import NamedSharding

from simam_jax.training.divergence import IN_FLIGHT
from simam_jax.training.ending import EndOnSignal
from simam_jax.training.mesh import create_mesh, replicated, split
from simam_jax.training.processes import several

_EXIT_CODES = {signal.SIGTERM: 75, signal.SIGINT: 130}


class StopRequest:
    """A context in which SIGTERM and Ctrl-C end the work without losing any of it.

    Until `defer` is called there is nothing to save, and a signal ends the process at once, with one line. After it a
    signal is noted, for whoever asks, and a second Ctrl-C raises KeyboardInterrupt, for whoever cannot wait. Outside
    the main thread, where no signal arrives, it notes nothing.
    """

    def __init__(self):
        self._signal: int | None = None
        self._is_due = False
        self._votes: deque[jax.Array] = deque()
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

    def is_due(self) -> bool:
        """Whether to stop here.

        Several processes must ask equally often, and all get the same answer: a signal to any of them is one to all. It
        is a vote on the devices, counted a few questions late so that nobody waits for it.
        """
        if not several():
            return self._signal is not None
        if not self._is_due:
            self._votes.append(self._count_votes())
            self._is_due = len(self._votes) > IN_FLIGHT and int(self._votes.popleft()) > 0
        return self._is_due

    @property
    def name(self) -> str:
        """The signal's name."""
        return "a signal to another process" if self._signal is None else signal.Signals(self._signal).name

    @property
    def exit_code(self) -> int:
        """What the process should exit with."""
        return _EXIT_CODES[signal.SIGTERM if self._signal is None else signal.Signals(self._signal)]

    def _count_votes(self) -> jax.Array:
        mesh = create_mesh()
        own = np.full(jax.local_device_count(), self._signal is not None, np.int32)
        return _sum(jax.make_array_from_process_local_data(split(mesh), own), replicated(mesh))

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT and self._signal == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number


@partial(jax.jit, static_argnums=1)
def _sum(votes: jax.Array, sharding: NamedSharding) -> jax.Array:
    return jax.lax.with_sharding_constraint(votes.sum(), sharding)
