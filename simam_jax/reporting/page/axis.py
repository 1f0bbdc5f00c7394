"""Axes with round numbers."""

import math
from collections.abc import Callable
from typing import NamedTuple


class Axis(NamedTuple):
    """What an axis spans, and its marks.

    Attributes:
        low, high: the ends.
        ticks: where marks are, from low to high.
        labels: what stands at each.
        title: what is measured; "" where the labels say it.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    title: str = ""


def round_axis(
    low: float | int,
    high: float | int,
    describe: Callable[[float], str],
    *,
    title: str = "",
    most: int = 5,
    whole: bool = False,
) -> Axis:
    """An axis from a round number at or below `low` to one at or above `high`, with marks at 1, 2 or 5 times 10^k.

    Args:
        low, high: the least and the largest number to be shown.
        describe: a mark's number in words.
        title: what is measured.
        most: parts between marks, about.
        whole: only whole numbers are marked, and the ends stay what they are.
    """
    length = high - low or abs(high) or 1.0
    raw = length / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    if whole:
        step = max(1.0, step)
        first, last = math.ceil(low / step), math.floor(high / step)
        ends = (low, high if high > low else low + 1)
    else:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        last += first == last
        ends = (first * step, last * step)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Axis(*ends, ticks, tuple(map(describe, ticks)), title)


def percent_axis(low: float | int, high: float | int, *, title: str = "", most: int = 5) -> Axis:
    """Of fractions, in percent; it does not go above 100 % where they do not."""
    if high - low < 0.02:
        low, high = low - 0.01, max(high, min(high + 0.01, 1.0))
    axis = round_axis(max(0.0, low), high, lambda tick: f"{100 * tick:.4g}", title=title, most=most)
    return axis._replace(high=1.0) if high <= 1 < axis.high else axis
