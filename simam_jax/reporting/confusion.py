"""Which classes are taken for which."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class ClassScore(NamedTuple):
    """How a class fares.

    Attributes:
        name: the class.
        images: how many show it.
        correct: those of them that were recognised.
        recall: correct / images; None where it has no image.
        precision: the fraction of what was taken for it that was; None where nothing was.
        f1: harmonic mean of the two, 2·correct / (images + what was taken for it); None where both are 0.
    """

    name: str
    images: int
    correct: int
    recall: float | None
    precision: float | None
    f1: float | None


def count_confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Counts images by true and predicted class.

    Args:
        labels, predictions: int (N,), below `classes`.
        classes: how many there are.

    Returns:
        int64 (classes, classes); rows are truth.
    """
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, predictions), 1)
    return confusion


def score_classes(confusion: np.ndarray, names: Sequence[str]) -> list[ClassScore]:
    """Scores every class.

    Args:
        confusion: int (classes, classes); rows are truth.
        names: of the classes.
    """
    counts, taken, correct = confusion.sum(1), confusion.sum(0), confusion.diagonal()
    return [
        ClassScore(name, n, right, _ratio(right, n), _ratio(right, m), _ratio(2 * right, n + m))
        for name, n, m, right in zip(names, counts.tolist(), taken.tolist(), correct.tolist(), strict=True)
    ]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
