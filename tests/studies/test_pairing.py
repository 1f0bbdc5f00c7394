"""Scores side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simam_jax.studies.pairing import Interval, pair, paired_differences, t_interval

FRACTIONS = st.lists(st.integers(0, 362), min_size=2, max_size=12).map(lambda hits: np.array(hits) / 362)


@given(FRACTIONS, st.integers(0, 2**32))
def test_the_interval_is_scipys(variant, seed):
    baseline = np.random.default_rng(seed).uniform(size=len(variant))
    found = pair(variant, baseline)
    expected = stats.ttest_rel(variant, baseline).confidence_interval(0.95)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(expected))
    assert found.difference == pytest.approx(variant.mean() - baseline.mean())


def test_an_example_by_hand():
    """Differences 1, 2, 3: mean 2, standard deviation 1, t(0.975, 2) = 4.302653."""
    found = pair(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert (found.variant_mean, found.variant_std, found.baseline_mean, found.baseline_std) == (4.0, 2.0, 2.0, 1.0)
    assert found.difference == 2.0
    assert found.interval is not None
    assert found.interval.high - 2 == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.interval.low + found.interval.high == pytest.approx(4.0)


def test_a_single_trial_has_no_spread():
    found = pair(np.array([0.75]), np.array([0.5]))
    assert (found.variant_std, found.baseline_std, found.interval, found.difference) == (None, None, None, 0.25)


def test_identical_variants_differ_by_nothing():
    found = pair(np.array([0.7, 0.8]), np.array([0.7, 0.8]))
    assert found.difference == 0.0
    assert found.interval == Interval(0.0, 0.0)


def test_rounding_is_no_difference():
    """0.1 + 0.2 is not 0.3 in floating point."""
    assert paired_differences(np.array([0.1 + 0.2, 0.3]), np.array([0.3, 0.2])).tolist() == [0.0, 0.3 - 0.2]
    assert paired_differences(np.array([0.3 + 1e-9]), np.array([0.3])).item() > 0


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [t_interval(rng.normal(0.3, 1, 8)) for _ in range(2000)]
    held = [each.low <= 0.3 <= each.high for each in found if each]
    assert len(held) == 2000
    # Three standard errors either way.
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
