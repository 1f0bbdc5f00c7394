"""What repeated measurements of one thing come to."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """The middle and the ends of several measurements.

    Attributes:
        median, least, most: in the measurements' own unit.
        n: how many there are.
    """

    median: float
    least: float
    most: float
    n: int


def spread(samples: Sequence[float]) -> Spread:
    """The spread of at least one measurement."""
    return Spread(statistics.median(samples), min(samples), max(samples), len(samples))


def iterations_for(seconds_each: float, seconds: float, *, most: int = 2000) -> int:
    """How many runs of `seconds_each` fill about `seconds`: from 1 to `most`."""
    return max(1, min(most, round(seconds / max(seconds_each, 1e-9))))
