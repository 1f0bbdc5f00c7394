"""Accuracies of trials on the same images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from simam_jax.studies.scores import accuracy, balanced_accuracy, class_sums


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32))
def test_they_are_those_of_scikit_learn(seeds, images, seed):
    rng = np.random.default_rng(seed)
    # Classes 1 and 3 are absent, and no prediction names them.
    labels = rng.choice([0, 2, 4], images)
    predictions = rng.choice(np.unique(labels), (seeds, images))
    correct = predictions == labels
    np.testing.assert_allclose(accuracy(correct), [accuracy_score(labels, each) for each in predictions])
    if len(set(labels.tolist())) > 1:  # or scikit-learn warns
        expected = [balanced_accuracy_score(labels, each) for each in predictions]
        np.testing.assert_allclose(balanced_accuracy(correct, labels), expected)


def test_a_class_without_images_does_not_count():
    correct = np.array([[True, True, False, False]])
    assert balanced_accuracy(correct, np.array([0, 0, 0, 7])).tolist() == pytest.approx([1 / 3])


def test_fractions_of_copies_count_as_such():
    correct = np.array([[0.5, 1.0, 0.0]])
    assert accuracy(correct).tolist() == [0.5]
    assert balanced_accuracy(correct, np.array([0, 0, 1])).tolist() == [0.375]


@given(st.integers(1, 4), st.integers(1, 60), st.integers(1, 20), st.integers(0, 2**32))
def test_sums_over_classes_are_products_with_who_shows_what(rows, images, classes, seed):
    rng = np.random.default_rng(seed)
    labels, values = 3 * rng.integers(0, classes, images), rng.integers(-5, 6, (rows, images))
    members = (labels[:, None] == np.unique(labels)).astype(np.float64)
    np.testing.assert_array_equal(class_sums(values.astype(np.float64), labels), values @ members)
    np.testing.assert_array_equal(class_sums(values > 0, labels), (values > 0) @ members)
