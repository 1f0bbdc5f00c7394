"""Scores of S trials on the same N images, one number a trial."""

import numpy as np


def accuracy(correct: np.ndarray) -> np.ndarray:
    """The fraction of the images that each trial recognised.

    Args:
        correct: (S, N): bool, or between 0 and 1 the fraction of an image's copies that were recognised.

    Returns:
        float64 (S,).
    """
    return correct.mean(1, dtype=np.float64)


def balanced_accuracy(correct: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean over the classes present of the fraction of their images that each trial recognised.

    The metric of training and `evaluate`: a class that no image shows does not count.

    Args:
        correct: (S, N), as above.
        labels: the true classes, int (N,), from 0.

    Returns:
        float64 (S,).
    """
    return (class_sums(correct, labels) / np.unique(labels, return_counts=True)[1]).mean(1)


def class_sums(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Sums over the images of each class present, in ascending order of the labels.

    Args:
        values: (R, N).
        labels: the true classes, int (N,).

    Returns:
        float64 (R, classes present).
    """
    by_class = np.argsort(labels, kind="stable")
    firsts = np.unique(labels[by_class], return_index=True)[1]
    return np.add.reduceat(values[:, by_class], firsts, axis=1, dtype=np.float64)
