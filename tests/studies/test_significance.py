"""A family of tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.studies.sign_flip import sign_flip_p, smallest_p
from simam_jax.studies.significance import assess, holm, seeds_needed

P = st.floats(0, 1)


def test_holms_own_steps():
    """0.01 · 3; then 0.03 · 2; then 0.04 · 1, which may not be below the one before."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@given(st.lists(P, min_size=1, max_size=8))
def test_holm_is_the_closed_test_of_bonferronis(p):
    """The largest of Bonferroni's p over every subset of the family that holds the variant."""
    subsets = [[i for i in range(len(p)) if mask >> i & 1] for mask in range(1, 2 ** len(p))]
    expected = [
        min(1.0, max(len(each) * min(p[i] for i in each) for each in subsets if place in each))
        for place in range(len(p))
    ]
    assert holm(p) == pytest.approx(expected)


@given(st.lists(P, min_size=2, max_size=6), P)
def test_a_larger_p_lowers_no_corrected_one(p, larger):
    """On which the smallest attainable corrected p rests."""
    raised = [max(p[0], larger), *p[1:]]
    assert all(after >= before - 1e-12 for before, after in zip(holm(p), holm(raised), strict=True))


def test_variants_are_corrected_together():
    differences = [np.full(8, 0.01), np.array([0.02] * 7 + [-0.01]), np.zeros(8)]
    found = assess(differences)
    p = [sign_flip_p(each) for each in differences]
    assert [each.p for each in found] == p == [2 / 256, 4 / 256, 1.0]
    assert [each.corrected_p for each in found] == pytest.approx([6 / 256, 8 / 256, 1.0])
    assert {(each.seeds, each.family, each.exact) for each in found} == {(8, 3, True)}
    assert [each.smallest_p for each in found] == [2 / 256] * 3
    assert [each.smallest_corrected_p for each in found] == pytest.approx([6 / 256] * 3)


def test_no_p_is_claimed_below_six_seeds():
    """But such variants count for the others."""
    few, enough = assess([np.full(5, 0.1), np.full(6, 0.1)])
    assert (few.p, few.corrected_p, few.smallest_corrected_p) == (None, None, None)
    assert few.smallest_p == 2 / 32
    assert (enough.p, enough.corrected_p, enough.family) == (2 / 64, 4 / 64, 2)


def test_variants_that_are_not_finished_count():
    """So that no p grows, and no verdict is taken back, when they are."""
    eight = np.full(8, 0.1)
    interrupted, finished = assess([eight] * 3, family=12), assess([eight] * 12)
    assert interrupted == finished[:3]
    assert interrupted[0].corrected_p == interrupted[0].smallest_corrected_p == pytest.approx(12 * 2 / 256)
    with pytest.raises(ValueError, match="a family of 2 cannot have 3 variants"):
        assess([eight] * 3, family=2)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 4))
def test_no_corrected_p_grows_as_others_are_finished(finished, others):
    rng = np.random.default_rng(0)
    differences = [rng.normal(0.5, 1, seeds) for seeds in finished]
    before = assess(differences, family=len(finished) + others)
    after = assess([*differences, *(rng.normal(0.5, 1, 8) for _ in range(others))])
    for one, other in zip(before, after, strict=False):
        assert one.family == other.family
        if one.corrected_p is not None:
            assert other.corrected_p <= one.corrected_p
            assert other.smallest_corrected_p <= one.smallest_corrected_p


def test_seeds_of_the_others_help():
    """The variant of ten seeds is tested first, so that six are enough for the other."""
    six, ten = assess([np.full(6, 0.1), np.full(10, 0.1)])
    assert six.smallest_corrected_p == six.corrected_p == smallest_p(6)
    assert ten.corrected_p == pytest.approx(2 * smallest_p(10))


@pytest.mark.parametrize(("family", "seeds"), [(1, 6), (2, 7), (3, 7), (4, 8), (6, 8), (7, 9), (12, 9), (13, 10)])
def test_the_fewest_seeds_that_could_show_a_difference(family, seeds):
    """As a study is warned of: with one seed less no corrected p is small enough, with these all may be."""
    assert seeds_needed(family, 0.05) == seeds

    def smallest(of: int) -> float:
        found = assess([np.full(of, 0.1)] * family)[0].smallest_corrected_p
        return 1.0 if found is None else found

    assert smallest(seeds) <= 0.05 < smallest(seeds - 1)


def test_an_empty_family():
    assert assess([]) == []
