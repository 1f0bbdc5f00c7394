"""The result of an evaluation, which tables and files are drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simam_jax.reporting.confusion import ClassScore, count_confusion, score_classes


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint's answers for N images of a split.

    Attributes:
        step: of the checkpoint.
        metrics: by name: loss, accuracy, top5 and balanced_accuracy, the last three as fractions.
        classes: class names in label order.
        names: the images', N.
        labels: the true classes, int (N,).
        predictions: the classes answered, int (N,).
        probabilities: of the classes answered, float (N,).
    """

    step: int
    metrics: Mapping[str, float]
    classes: Sequence[str]
    names: Sequence[str]
    labels: np.ndarray
    predictions: np.ndarray
    probabilities: np.ndarray

    @property
    def count(self) -> int:
        """N."""
        return len(self.names)

    @cached_property
    def confusion(self) -> np.ndarray:
        """Images by true class (row) and predicted class (column), int64 (classes, classes)."""
        return count_confusion(self.labels, self.predictions, len(self.classes))

    @cached_property
    def scores(self) -> list[ClassScore]:
        """One score a class, in label order."""
        return score_classes(self.confusion, self.classes)
