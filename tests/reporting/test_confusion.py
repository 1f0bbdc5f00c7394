"""Known answers for confusion, recall, precision and F1."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from simam_jax.reporting.confusion import ClassScore, count_confusion, score_classes


def test_a_worked_example():
    labels, predictions = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 0])
    confusion = count_confusion(labels, predictions, 4)
    np.testing.assert_array_equal(confusion, [[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    assert score_classes(confusion, ["a", "b", "c", "d"]) == [
        ClassScore("a", 3, 2, 2 / 3, 2 / 4, 4 / 7),
        ClassScore("b", 2, 1, 1 / 2, 1 / 2, 1 / 2),
        ClassScore("c", 1, 0, 0.0, None, 0.0),
        ClassScore("d", 0, 0, None, None, None),
    ]


def test_scikit_learn_agrees():
    generator = np.random.default_rng(0)
    labels, predictions = generator.integers(0, 7, (2, 500))
    confusion = count_confusion(labels, predictions, 7)
    np.testing.assert_array_equal(confusion, confusion_matrix(labels, predictions))
    precision, recall, f1, support = precision_recall_fscore_support(labels, predictions)
    scores = score_classes(confusion, list("abcdefg"))
    np.testing.assert_array_equal([score.images for score in scores], support)
    assert [score.precision for score in scores] == pytest.approx(precision)
    assert [score.recall for score in scores] == pytest.approx(recall)
    assert [score.f1 for score in scores] == pytest.approx(f1)
