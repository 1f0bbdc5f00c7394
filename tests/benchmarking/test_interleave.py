"""The order of measurements, and when they end."""

import time

from simam_jax.benchmarking.contestant import ContestantError
from simam_jax.benchmarking.interleave import interleave


def nobody(who, error):
    raise AssertionError(f"{who}: {error}")


def test_each_runs_about_as_long_as_asked():
    counts = {"slow": [], "fast": []}

    def runner(who, each):
        def run(iterations):
            counts[who].append(iterations)
            return each * iterations

        return run

    runs = {"slow": runner("slow", 0.5), "fast": runner("fast", 0.01)}
    found = interleave(runs, rounds=2, seconds=1.0, deadline=time.monotonic() + 60, failed=nobody)
    assert counts == {"slow": [1, 1, 1, 2, 1, 2], "fast": [1, 10, 1, 100, 1, 100]}
    assert found == {"slow": [0.5, 0.5], "fast": [0.01, 0.01]}


def test_two_rounds_are_run_whatever_the_time():
    found = interleave({"a": float}, rounds=5, seconds=1.0, deadline=time.monotonic() - 1, failed=nobody)
    assert len(found["a"]) == 2


def test_one_that_fails_late_leaves_nothing():
    calls, failures = [], []

    def fails_at_the_fourth(iterations):
        calls.append(iterations)
        if len(calls) == 4:
            raise ContestantError("gone")
        return 1.0

    found = interleave(
        {"a": lambda n: 1.0 * n, "b": fails_at_the_fourth},
        rounds=3,
        seconds=1.0,
        deadline=time.monotonic() + 60,
        failed=lambda who, error: failures.append((who, str(error))),
    )
    assert found == {"a": [1.0, 1.0, 1.0]}
    assert failures == [("b", "gone")]
