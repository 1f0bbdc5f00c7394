"""What the watch over the other processes makes of what it sees. Real groups are in tests/end_to_end/."""

import json
import threading

import jax
import pytest

from simam_jax.training import peers, processes

FAILED = json.dumps({"process": 1, "line": "error: the disk is full", "exit_code": 4})


class Store:
    """Answers what it is told to, one look after another; an exception is raised."""

    def __init__(self, failed: list[str | Exception], alive: list[set[int] | Exception]):
        self._failed, self._alive = iter(failed), iter(alive)

    def key_value_try_get(self, key: str) -> str:
        assert key == "peers/failed"
        return self._answer(next(self._failed))

    def get_live_nodes(self, numbers: list[int]) -> dict[int, int]:
        assert numbers == [0, 1]
        return dict.fromkeys(self._answer(next(self._alive)), 1)

    def _answer(self, answer):
        if isinstance(answer, Exception):
            raise answer
        return answer


NOTHING = jax.errors.JaxRuntimeError("NOT_FOUND: Config key peers/failed not found.")
GONE = jax.errors.JaxRuntimeError("UNAVAILABLE: failed to connect to all addresses")


class Ended(BaseException):
    """In place of the process's end, which nothing catches."""


@pytest.fixture
def sees(monkeypatch):
    """The line and the exit code with which the watch ends the process."""

    def sees(failed, alive):
        watch = object.__new__(peers._Watch)
        watch._left, watch._names = threading.Event(), ["process 0 (here)", "process 1 (there)"]
        said = []

        def end(line, exit_code):
            said.append((line, exit_code))
            watch._left.set()
            raise Ended

        monkeypatch.setattr(watch, "_end", end)
        monkeypatch.setattr(peers, "_EVERY", 0.0)
        monkeypatch.setattr(jax, "process_count", lambda: 2)
        store = Store(failed, alive)
        monkeypatch.setattr(processes, "store", lambda: store)
        with pytest.raises(Ended):
            watch._watch()
        return said[0]

    return sees


def test_one_that_is_lost_is_named(sees):
    line, exit_code = sees([NOTHING] * 4, [{0, 1}, {0, 1}, {0}])
    assert line.startswith("error: lost process 1 (there); run the same command again")
    assert exit_code == 75


def test_one_that_has_failed_is_quoted(sees):
    assert sees([NOTHING, FAILED], [{0, 1}]) == ("error: process 1 (there) failed: error: the disk is full", 4)


def test_one_that_has_failed_and_gone_between_two_looks_is_not_lost(sees):
    assert sees([NOTHING, FAILED], [{0}]) == ("error: process 1 (there) failed: error: the disk is full", 4)


def test_without_the_store_the_first_is_lost(sees):
    line, exit_code = sees([GONE], [])
    assert line.startswith("error: lost process 0 (here): UNAVAILABLE")
    assert exit_code == 75
