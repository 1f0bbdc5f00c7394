"""The exact permutation test over seeds."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simam_jax.studies.sign_flip import is_exact, sign_flip_p, smallest_p

# Of accuracies on 362 images: ties and zeros are common.
COARSE = st.lists(st.integers(-6, 6), min_size=1, max_size=11)


@given(COARSE)
def test_it_counts_every_pattern_of_signs(hits):
    """By integers, in which ties are exact; the p is of fractions, in which they are not."""
    patterns = itertools.product([1, -1], repeat=len(hits))
    sums = [abs(sum(sign * hit for sign, hit in zip(signs, hits, strict=True))) for signs in patterns]
    expected = sum(each >= abs(sum(hits)) for each in sums) / len(sums)
    assert sign_flip_p(np.array(hits) / 362) == expected


@given(st.integers(2, 10), st.integers(0, 2**32))
def test_it_is_scipys(seeds, seed):
    differences = np.random.default_rng(seed).normal(0.5, 1, seeds)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert sign_flip_p(differences) == pytest.approx(expected.pvalue, rel=1e-12)


def test_an_example_by_hand():
    """Of 3, 2, 1, −1 the sum is 5. Of all 16 sums 7 comes once, 5 twice, and −7 and −5 likewise: 6 of 16."""
    assert sign_flip_p(np.array([3.0, 2.0, 1.0, -1.0])) == 6 / 16


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12), st.randoms())
def test_signs_and_order_do_not_matter(values, random):
    differences = np.array(values)
    shuffled = random.sample(values, len(values))
    assert sign_flip_p(-differences) == sign_flip_p(differences)
    assert sign_flip_p(np.array(shuffled)) == sign_flip_p(differences)
    assert 0 < sign_flip_p(differences) <= 1


@pytest.mark.parametrize("seeds", [1, 6, 8, 40, 41])
def test_no_difference_at_all_is_no_evidence(seeds):
    assert sign_flip_p(np.zeros(seeds)) == 1.0


@pytest.mark.parametrize("seeds", [1, 2, 6, 8, 10, 17, 40])
def test_all_of_one_sign_is_the_smallest_p(seeds):
    assert sign_flip_p(np.linspace(0.01, 0.02, seeds)) == smallest_p(seeds) == min(1.0, 2 / 2**seeds)


def test_six_seeds_are_the_fewest_that_can_reach_five_percent():
    assert smallest_p(5) > 0.05 >= smallest_p(6)


def test_more_than_forty_seeds_are_drawn():
    """Of so many, p is that of the normal distribution, nearly; and the same at every call."""
    rng = np.random.default_rng(1)
    differences = rng.normal(0.25, 1, 60)
    assert not is_exact(60)
    z = abs(differences.sum()) / np.sqrt((differences**2).sum())
    assert sign_flip_p(differences) == pytest.approx(2 * stats.norm.sf(z), rel=0.1)
    assert sign_flip_p(differences) == sign_flip_p(differences)
    assert sign_flip_p(np.ones(41)) == smallest_p(41) == pytest.approx(2e-5)


def test_the_fortieth_seed_changes_little():
    """Exact at 40, drawn at 41: both of nearly the same differences."""
    differences = np.random.default_rng(3).normal(0.3, 1, 40)
    exact = sign_flip_p(differences)
    assert 0.001 < exact < 0.5
    assert sign_flip_p(np.append(differences, 0.0)) == pytest.approx(exact, rel=0.1)
