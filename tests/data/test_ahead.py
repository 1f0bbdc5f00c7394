import threading
import time

import pytest

from simam_jax.data.ahead import work_ahead


def test_results_are_in_order_whichever_is_done_first():
    def slow(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    assert list(work_ahead(slow, range(50))) == [number * number for number in range(50)]


def test_a_slow_taker_is_not_overrun():
    begun = []
    stream = work_ahead(begun.append, range(10_000))
    next(stream)
    time.sleep(0.1)
    assert len(begun) <= 2 * 32 + 1
    stream.close()


def test_an_error_comes_in_its_turn_and_closing_ends_the_threads():
    def fail(number: int) -> int:
        if number == 2:
            raise OSError("third")
        return number

    stream = work_ahead(fail, range(100))
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(OSError, match="third"):
        next(stream)
    stream.close()
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
