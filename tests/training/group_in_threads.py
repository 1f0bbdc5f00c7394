"""A group of processes that are threads of this one, each with a client of its own of JAX's coordination service."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import jax
import pytest
from jax._src.lib import _jax

from simam_jax.training import processes


@contextmanager
def group(monkeypatch: pytest.MonkeyPatch, size: int) -> Iterator[Callable[[Callable[[int], Any]], list[Any]]]:
    """A function that runs another in every process, with its number, and gives what they give or raise."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    service = _jax.get_distributed_runtime_service(address, size, heartbeat_timeout=60, recoverable=True)
    clients = [
        _jax.get_distributed_runtime_client(address, number, init_timeout=60, heartbeat_timeout=60)
        for number in range(size)
    ]
    calls = [count() for _ in range(size)]
    here = threading.local()

    class Calls:
        def __next__(self) -> int:
            return next(calls[here.number])

    monkeypatch.setattr(processes, "_calls", Calls())
    monkeypatch.setattr(processes, "store", lambda: clients[here.number])
    monkeypatch.setattr(processes, "several", lambda: True)
    monkeypatch.setattr(jax, "process_index", lambda: here.number)
    monkeypatch.setattr(jax, "process_count", lambda: size)

    def everywhere(function: Callable[[int], Any]) -> list[Any]:
        def one(number: int) -> Any:
            here.number = number
            try:
                return function(number)
            except Exception as error:
                return error

        with ThreadPoolExecutor(size) as threads:
            return list(threads.map(one, range(size)))

    try:
        everywhere(lambda number: clients[number].connect())
        yield everywhere
    finally:
        everywhere(lambda number: clients[number].shutdown())
        service.shutdown()
