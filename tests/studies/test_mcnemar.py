"""Two networks on the same images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simam_jax.studies.mcnemar import discordance


def trials(both: int, only_variant: int, only_baseline: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    sizes = [both, only_variant, only_baseline, neither]
    return np.repeat([True, True, False, False], sizes), np.repeat([True, False, True, False], sizes)


@given(st.integers(0, 20), st.integers(0, 40), st.integers(0, 40), st.integers(0, 20))
def test_it_is_the_binomial_test_of_the_disagreements(both, only_variant, only_baseline, neither):
    found = discordance(3, *trials(both, only_variant, only_baseline, neither))
    disagree = only_variant + only_baseline
    expected = stats.binomtest(only_variant, disagree).pvalue if disagree else 1.0
    assert (found.seed, found.only_variant, found.only_baseline) == (3, only_variant, only_baseline)
    assert found.p == pytest.approx(expected)


def test_an_example_by_hand():
    """5 to 1: 2 · (1 + 6) / 64."""
    assert discordance(0, *trials(90, 5, 1, 4)).p == pytest.approx(14 / 64)


def test_large_counts_agree_with_the_chi_square_test():
    found = discordance(0, *trials(40_000, 5200, 4800, 0))
    statistic = (5200 - 4800 - 1) ** 2 / 10_000  # with continuity correction
    assert found.p == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-2)
