"""The expected calibration error and the diagram it is drawn from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.reporting.calibration import BINS, calibration_error, reliability


def test_an_example_by_hand():
    """Bins (0.8, 0.866…] and (0.4, 0.466…]: 3/5 · |2/3 − 0.82| + 2/5 · |1/2 − 0.45|."""
    correct = np.array([True, True, False, True, False])
    confidence = np.array([0.81, 0.82, 0.83, 0.45, 0.45])
    diagram = reliability(correct, confidence)
    assert len(diagram) == BINS
    assert [(each.count, each.accuracy) for each in diagram if each.count] == [(2, 0.5), (3, pytest.approx(2 / 3))]
    assert [each.confidence for each in diagram if each.count] == pytest.approx([0.45, 0.82])
    assert calibration_error(diagram) == pytest.approx(0.6 * (0.82 - 2 / 3) + 0.4 * 0.05)


def test_a_bin_holds_its_upper_bound():
    diagram = reliability(np.ones(5, bool), np.array([0.0, 0.25, 0.25000001, 0.75, 1.0]), bins=4)
    assert [(each.above, each.upto, each.count) for each in diagram] == [
        (0.0, 0.25, 2),
        (0.25, 0.5, 1),
        (0.5, 0.75, 1),
        (0.75, 1.0, 1),
    ]
    assert diagram[1].accuracy == 1.0


def test_an_empty_bin_has_no_accuracy():
    diagram = reliability(np.ones(1, bool), np.ones(1))
    assert {(each.count, each.accuracy, each.confidence) for each in diagram[:-1]} == {(0, None, None)}


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60), st.integers(1, 30))
def test_it_is_the_weighted_distance_of_the_bins(answers, bins):
    """By Guo's equation 3, image by image."""
    correct, confidence = (np.array(each) for each in zip(*answers, strict=True))
    edges = np.linspace(0, 1, bins + 1)
    place = [max(k for k in range(bins) if k == 0 or edges[k] < each) for each in confidence]
    expected = sum(
        abs(sum(float(correct[i]) - confidence[i] for i in range(len(place)) if place[i] == k)) / len(place)
        for k in range(bins)
    )
    found = calibration_error(reliability(correct, confidence, bins=bins))
    assert found == pytest.approx(expected, abs=1e-12)
    assert 0 <= found <= 1 + 1e-12


def test_a_network_that_is_right_as_often_as_it_says_has_nearly_none():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0, 1, 200_000)
    correct = rng.uniform(size=confidence.size) < confidence
    assert calibration_error(reliability(correct, confidence)) < 0.01
    assert calibration_error(reliability(correct, np.minimum(1, confidence + 0.2))) == pytest.approx(0.18, abs=0.01)


@pytest.mark.parametrize("confidence", [[0.5, 1.1], [0.5, -0.1], [0.5, float("nan")]])
def test_what_is_no_probability_is_refused(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        reliability(np.ones(2, bool), np.array(confidence))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"confidence has shape \(3,\), but correct has \(2,\)"):
        reliability(np.ones(2, bool), np.ones(3))
