"""Numbers as the page writes them."""

import math
from collections.abc import Sequence

NOTHING = "–"


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction in percent, "82.3 %"."""
    return NOTHING if fraction is None else f"{100 * fraction:.{digits}f} %"


def points(fraction: float | None, digits: int = 2) -> str:
    """A difference of fractions in percentage points, signed, with a true minus and no negative zero: "−1.20"."""
    if fraction is None:
        return NOTHING
    text = f"{100 * fraction:+.{digits}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{digits}f}"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean and standard deviation of fractions in percent, the latter with one less than their number below."""
    if not values:
        return NOTHING
    mean = sum(values) / len(values)
    if len(values) == 1:
        return percent(mean, digits)
    std = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return f"{100 * mean:.{digits}f} ± {100 * std:.{digits}f} %"


def interval(found: dict | None) -> str:
    """A 95 % interval in points, "−0.40 to 1.20"."""
    if not found:
        return NOTHING
    return f"{points(found['low']).removeprefix('+')} to {points(found['high']).removeprefix('+')}"


def probability(p: float | None) -> str:
    """A p, two digits of it."""
    return NOTHING if p is None else f"{p:.2g}"


def count(number: float | int | None) -> str:
    """A whole number, its thousands apart."""
    return NOTHING if number is None else f"{number:,.0f}"


def scaled(number: float | int | None, unit: float | int, digits: int = 1) -> str:
    """A number in a larger unit."""
    return NOTHING if number is None else f"{number / unit:,.{digits}f}"


def plain(value: float) -> str:
    """A loss or the like, four digits of it."""
    return f"{value:.4g}".replace("-", "−")


def several(number: int, word: str, words: str = "") -> str:
    """ "1 seed", "8 seeds"; `words` where an s does not do."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"
