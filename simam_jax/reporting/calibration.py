"""Whether a network is right as often as it says: of the answers it gave at 80 %, are 80 % right?"""

from dataclasses import dataclass

import numpy as np

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """A bin of a reliability diagram.

    Attributes:
        above, upto: its bounds; the confidence lies above the first and is at most the second.
        count: the images in it.
        accuracy: the fraction of them that were recognised; None where there are none.
        confidence: their mean confidence; None where there are none.
    """

    above: float
    upto: float
    count: int
    accuracy: float | None
    confidence: float | None


def reliability(correct: np.ndarray, confidence: np.ndarray, *, bins: int = BINS) -> list[Reliability]:
    """Sorts the answers of one trial, or of several together, by confidence into bins of equal width.

    Source: Guo et al., On calibration of modern neural networks, ICML 2017, section 2. A confidence of 0, which no bin
    of theirs holds, goes into the first.

    Args:
        correct: which images were recognised, bool, of any shape.
        confidence: the probability of the class answered, of the same shape.
        bins: how many; 15 are Guo's.

    Raises:
        ValueError: a confidence that is no probability, or of another shape.
    """
    correct, confidence = np.asarray(correct), np.asarray(confidence, np.float64)
    if correct.shape != confidence.shape:
        raise ValueError(f"confidence has shape {confidence.shape}, but correct has {correct.shape}")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("a confidence must lie between 0 and 1")
    edges = np.linspace(0, 1, bins + 1)
    places = np.digitize(confidence.ravel(), edges[1:-1], right=True)
    counts, right, sure = (
        np.bincount(places, weights, minlength=bins) for weights in (None, correct.ravel(), confidence.ravel())
    )
    return [
        Reliability(float(low), float(high), int(n), hits / n if n else None, total / n if n else None)
        for low, high, n, hits, total in zip(
            edges[:-1], edges[1:], counts.tolist(), right.tolist(), sure.tolist(), strict=True
        )
    ]


def calibration_error(diagram: list[Reliability]) -> float:
    """The expected calibration error: the mean over images of how far their bin's accuracy is from its confidence.

    Between 0 and 1, and 0 at best; on few images it is above 0 for a network that is right as often as it says, too.
    Source: Guo et al. 2017, equation 3, Σ |B|/n · |accuracy(B) − confidence(B)|.
    """
    total = sum(each.count for each in diagram)
    return sum(
        each.count / total * abs(each.accuracy - each.confidence)
        for each in diagram
        if each.accuracy is not None and each.confidence is not None
    )
