"""What may be said of a difference, in words."""

from dataclasses import dataclass
from typing import Literal

from simam_jax.studies.pairing import Interval
from simam_jax.studies.significance import FEWEST_SEEDS, Significance

ALPHA = 0.05

Outcome = Literal["better", "worse", "no evidence", "too few seeds"]


@dataclass(frozen=True)
class Verdict:
    """The conclusion of a comparison.

    Attributes:
        outcome: "better" and "worse" only where the corrected two-sided p is at most α. "no evidence" is of a
            difference; it is never evidence of equality.
        text: the same with its numbers, a line.
    """

    outcome: Outcome
    text: str


def judge(
    significance: Significance,
    difference: float,
    over_seeds: Interval | None,
    over_both: Interval | None,
    *,
    alpha: float = ALPHA,
    lower_is_better: bool = False,
) -> Verdict:
    """Puts a comparison into words.

    The test is two-sided; where it rejects, the sign of the difference says which way.

    Args:
        significance: of the difference.
        difference: variant − baseline of a score between 0 and 1, mean over seeds.
        over_seeds: its 95 % interval over seeds, on these images.
        over_both: the same over seeds and images together; None where there is none.
        alpha: the level of the test, over the whole family.
        lower_is_better: of the score.
    """
    p, corrected, smallest = significance.p, significance.corrected_p, significance.smallest_corrected_p
    if p is None or corrected is None or smallest is None:
        return Verdict("too few seeds", f"too few seeds to test: {significance.seeds} of at least {FEWEST_SEEDS}")
    variants = f"{significance.family} variants" if significance.family > 1 else "1 variant"
    if smallest > alpha:
        return Verdict(
            "too few seeds",
            f"too few seeds to test: with {significance.seeds} seeds and {variants} no corrected p can be below "
            f"{smallest:.2g}",
        )
    tested = (
        f"two-sided p {p:.2g} with {significance.smallest_p:.2g} the smallest possible, "
        f"Holm over {variants} {corrected:.2g}"
    )
    if corrected > alpha:
        said = _intervals(over_seeds, over_both, sign=1)
        return Verdict(
            "no evidence", f"no evidence of a difference: {_points(difference, signed=True)} points ({said}{tested})"
        )
    outcome: Outcome = "better" if (difference > 0) != lower_is_better else "worse"
    sign = 1 if difference > 0 else -1
    said = _intervals(over_seeds, over_both, sign=sign)
    text = f"{outcome} by {_points(abs(difference))} points on these images ({said}{tested})"
    if over_both and over_both.low <= 0 <= over_both.high:
        text += "; other images may not show it"
    return Verdict(outcome, text)


def _intervals(over_seeds: Interval | None, over_both: Interval | None, *, sign: int) -> str:
    """The intervals in points; with sign −1, of how much lower."""
    said = ""
    for name, interval in (("seeds", over_seeds), ("seeds and images", over_both)):
        if interval:
            low, high = sorted((sign * interval.low, sign * interval.high))
            start = "" if said else "95 % interval "
            said += f"{start}{_points(low)} to {_points(high)} over {name}, "
    return said


def _points(fraction: float, *, signed: bool = False) -> str:
    """In percent, with a true minus and no negative zero."""
    text = f"{100 * fraction:+.2f}" if signed else f"{100 * fraction:.2f}"
    if not float(text):
        return "0.00"
    return text.replace("-", "−")
