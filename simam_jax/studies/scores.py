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
    members = membership(labels)
    return ((correct @ members) / members.sum(0)).mean(1)


def membership(labels: np.ndarray) -> np.ndarray:
    """Which image shows which of the classes present: float64 (N, classes), 0 or 1."""
    return (labels[:, None] == np.unique(labels)).astype(np.float64)
