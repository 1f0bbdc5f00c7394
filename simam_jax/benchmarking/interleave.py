"""Measurements in turn, so that what else the machine does falls on all contestants alike."""

import time
from collections.abc import Callable, Mapping

from simam_jax.benchmarking.contestant import ContestantError
from simam_jax.profiling.timing import iterations_for

Run = Callable[[int], float]
"""Runs something that many times and returns the seconds of all of them."""

_FEWEST_ROUNDS = 2


def interleave(
    runs: Mapping[str, Run],
    *,
    rounds: int,
    seconds: float,
    deadline: float,
    failed: Callable[[str, ContestantError], None],
) -> dict[str, list[float]]:
    """Seconds an iteration of every contestant, one measurement each a round, one contestant at a time.

    Before each measurement runs an iteration that is not counted.

    Args:
        runs: by name, in the order of a round.
        rounds: how many.
        seconds: about how long a measurement is to take; at least one iteration.
        deadline: by `time.monotonic`, after which no round beyond the second begins.
        failed: told of a contestant that fails; what it has measured till then is left out.

    Returns:
        The measurements by name; only of those that came to the end.
    """
    left = dict(runs)
    iterations: dict[str, int] = {}
    found: dict[str, list[float]] = {}

    def attempt(who: str, count: int) -> float | None:
        try:
            return left[who](count) / count
        except ContestantError as error:
            failed(who, error)
            del left[who]
            found.pop(who, None)
            return None

    for who in tuple(left):
        # The first gives the order of magnitude, the second comes without what the first had to wake up.
        first = attempt(who, 1)
        again = None if first is None else attempt(who, iterations_for(first, seconds / 10))
        if again is not None:
            iterations[who] = iterations_for(again, seconds)
    for done in range(rounds):
        if done >= _FEWEST_ROUNDS and time.monotonic() > deadline:
            break
        for who in tuple(left):
            # One that does not count: while others ran, the system may have taken this one's memory for idle.
            each = None if attempt(who, 1) is None else attempt(who, iterations[who])
            if each is not None:
                found.setdefault(who, []).append(each)
    return found
