"""What processes tell one another, and that one which is alone needs none of it."""

import socket
import subprocess
import sys

import jax
import pytest
from group_in_threads import group

from simam_jax.errors import UsageError
from simam_jax.training.processes import check_devices, from_all, from_first, is_first, join, several, wait_for_all


def test_one_that_is_alone_asks_nobody():
    assert (several(), is_first()) == (False, True)
    assert from_first(lambda: 3) == 3
    assert from_all(3) == [3]
    wait_for_all()
    check_devices()


@pytest.fixture
def three(monkeypatch):
    with group(monkeypatch, 3) as everywhere:
        yield everywhere


def test_what_the_first_does_is_done_once_and_known_to_all(three):
    called = []

    def once():
        called.append(1)
        return "done"

    assert three(lambda _: from_first(once)) == ["done"] * 3
    assert called == [1]


def test_an_error_of_the_first_is_everybodys(three):
    def fail():
        raise UsageError("no")

    for error in three(lambda _: from_first(fail)):
        assert isinstance(error, UsageError)
        assert str(error) == "no"


def test_all_tell_all(three):
    def both(number):
        first = from_all(number)
        wait_for_all()
        return first, from_all(str(number))

    assert three(both) == [([0, 1, 2], ["0", "1", "2"])] * 3


def test_processes_out_of_step_do_not_wait_for_one_another(three):
    """The first has one thing more to do: the others would take its result for that of the next."""

    def prepare():
        return "data"

    def claim():
        return "folder"

    def one(number):
        if number == 0:
            from_first(prepare)
        return from_first(claim)

    first, *others = three(one)
    assert first == "folder"
    for error in others:
        assert isinstance(error, RuntimeError)
        assert "claim (calls/0), where the first is at test_processes_out_of_step" in str(error)
        assert str(error).endswith("prepare")


@pytest.mark.parametrize("counts", [(1, 2, 3), (2, 1, 1)])
def test_unequal_devices_are_an_error_in_all(three, monkeypatch, counts):
    monkeypatch.setattr(jax, "local_device_count", lambda: counts[jax.process_index()])
    for error in three(lambda _: check_devices()):
        assert isinstance(error, UsageError)
        assert str(error).endswith(f"they have {', '.join(map(str, counts))}")


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (("", 2, -1), "need --coordinator"),
        (("auto", 0, 1), "need --coordinator"),
        (("host", 2, 0), "HOST:PORT"),
        (("host:1", 0, 0), "needs --processes"),
        (("host:1", 2, 2), "got --processes 2 --process 2"),
    ],
)
def test_a_group_that_is_none_is_an_error(group, message):
    with pytest.raises(UsageError, match=message):
        join(*group, lost_after=60)


@pytest.mark.parametrize("process", [0, 1])
def test_where_not_all_come_in_time_it_is_to_be_run_again(python_environment, process):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = (
        "from simam_jax.training.processes import join\n"
        f"join('127.0.0.1:{port}', 2, {process}, lost_after=10, within=1)"
    )
    environment = {**python_environment, "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 75, done.stderr
    assert done.stderr == (
        f"error: the group of processes at 127.0.0.1:{port} did not come together within 1 s (--join-within); "
        f"run the same command again\n"
    )
