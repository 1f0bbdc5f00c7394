import errno
import logging
import threading

import pytest

from simam_jax.training.failing_fast import failing_fast

log = logging.getLogger("absl")


@pytest.fixture(autouse=True)
def log_as_it_was():
    filters, level = log.filters[:], log.level
    yield
    log.filters[:] = filters
    log.setLevel(level)


@pytest.fixture
def others():
    """Processes that never come."""
    come = threading.Event()
    yield come
    come.set()


def noted(error: Exception) -> None:
    try:
        raise error
    except Exception:
        log.exception("in a thread of Orbax's")


def test_an_error_of_its_own_part_is_not_kept_until_the_others_come(others):
    def save():
        noted(OSError(errno.EFBIG, "File too large"))
        others.wait()

    with pytest.raises(OSError, match="File too large"):
        failing_fast(save)


def test_another_save_after_one_that_failed(others):
    for number in (errno.EFBIG, errno.ENOSPC):

        def save(number=number):
            noted(OSError(number, "no room"))
            others.wait()

        with pytest.raises(OSError, match=f"Errno {number}"):
            failing_fast(save)


def test_what_tensorstore_says_is_understood(others):
    def save():
        noted(ValueError("INTERNAL: cannot write [os_error_code='28']"))
        others.wait()

    with pytest.raises(ValueError, match="28"):
        failing_fast(save)


def test_its_own_error_is_raised_and_others_that_it_notes_are_not():
    def save():
        noted(ValueError("of no importance"))
        raise KeyError("of importance")

    with pytest.raises(KeyError, match="of importance"):
        failing_fast(save)


def test_nothing_stays_of_a_save_that_went_well():
    before, filters = log.level, log.filters[:]
    failing_fast(lambda: noted(ValueError("of no importance")))
    assert (log.level, log.filters) == (before, filters)
