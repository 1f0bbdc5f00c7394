"""From answers to verdicts."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from simulated_study import simulate

from simam_jax.studies.answers import Answers
from simam_jax.studies.variants import compare_variants

PLANTED = 0.6  # about 8 points, where trials differ by 3


def compared(seed: int = 1, *, seeds: int = 8, effects: tuple[float, ...] = (0.0, PLANTED, -PLANTED)):
    answers, labels = simulate(np.random.default_rng(seed), seeds=seeds, effects=effects)
    return answers, labels, compare_variants(answers, labels, resamples=500)


def test_every_part_is_that_of_its_own_file():
    """By the definitions, from the arrays."""
    answers, labels, comparisons = compared()
    none, variant, found = answers[0], answers[2], comparisons[1]
    ours, theirs = variant.correct.mean(1), none.correct.mean(1)
    assert found.accuracy.paired.variant == tuple(ours.tolist())
    assert found.accuracy.paired.baseline_std == pytest.approx(theirs.std(ddof=1))
    interval = found.accuracy.paired.interval
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(tuple(stats.ttest_rel(ours, theirs).confidence_interval()))
    recalls = [[each[labels == label].mean() for label in np.unique(labels)] for each in variant.correct]
    assert found.balanced_accuracy.paired.variant == pytest.approx(tuple(np.mean(recalls, 1).tolist()))
    assert (
        found.accuracy.significance.p
        == stats.permutation_test((ours - theirs,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    )
    assert [each.only_variant for each in found.mcnemar] == (variant.correct & ~none.correct).sum(1).tolist()
    assert [each.seed for each in found.mcnemar] == list(range(8))
    assert sum(each.count for each in found.calibration) == variant.correct.size
    assert found.calibration_error is not None
    assert found.calibration_error.over_seeds_and_images is None
    assert len(found.calibration_error.paired.variant) == 8


def test_planted_differences_are_found_and_none_is_made_up():
    _, _, (nothing, better, worse) = compared()
    assert nothing.accuracy.verdict.outcome == "no evidence"
    assert better.accuracy.verdict.outcome == "better"
    assert worse.accuracy.verdict.outcome == "worse"
    assert better.accuracy.significance.corrected_p == pytest.approx(3 * 2 / 256)
    for each, sign in ((better, 1), (worse, -1)):
        assert each.accuracy.over_seeds_and_images is not None
        assert each.accuracy.over_seeds_and_images.low * each.accuracy.over_seeds_and_images.high > 0
        assert each.accuracy.paired.difference * sign > 0


def test_variants_of_all_networks_are_one_family():
    answers, labels, alone = compared(effects=(PLANTED,))
    others = [replace(each, network="other") for each in simulate(np.random.default_rng(9), seeds=8, effects=(0, 0))[0]]
    together = compare_variants([*answers, *others], labels, resamples=500)
    assert [(each.network, each.attention) for each in together] == [
        ("net", "variant1"),
        ("other", "variant1"),
        ("other", "variant2"),
    ]
    first = together[0].accuracy.significance
    assert (first.p, first.family) == (alone[0].accuracy.significance.p, 3)
    assert first.corrected_p == pytest.approx(3 * 2 / 256)
    assert together[0].accuracy.paired == alone[0].accuracy.paired


def test_identical_answers_are_no_evidence():
    answers, labels, _ = compared(effects=())
    (found,) = compare_variants([answers[0], replace(answers[0], attention="copy")], labels, resamples=100)
    for each in (found.accuracy, found.balanced_accuracy, found.calibration_error):
        assert each is not None
        assert (each.significance.p, each.paired.difference) == (1.0, 0.0)
        assert each.verdict.outcome == "no evidence"
    assert {(each.only_variant, each.only_baseline, each.p) for each in found.mcnemar} == {(0, 0, 1.0)}


@settings(max_examples=15)
@given(st.permutations(range(7)), st.integers(0, 1000))
def test_the_order_of_trials_does_not_matter(order, seed):
    answers, labels = simulate(np.random.default_rng(seed), seeds=7, effects=(0.2,), images=60)
    shuffled = [answers[0], answers[1].of(order)]
    assert compare_variants(shuffled, labels, resamples=50) == compare_variants(answers, labels, resamples=50)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_the_other_way_round_is_the_mirror_image(seed):
    answers, labels = simulate(np.random.default_rng(seed), seeds=7, effects=(0.3,), images=60)
    (there,) = compare_variants(answers, labels, resamples=50)
    (back,) = compare_variants(answers, labels, baseline="variant1", resamples=50)
    for name in ("accuracy", "balanced_accuracy", "calibration_error"):
        one, other = getattr(there, name), getattr(back, name)
        assert one.significance == other.significance
        assert one.paired.difference == pytest.approx(-other.paired.difference, abs=1e-12)
        opposite = {"better": "worse", "worse": "better"}
        assert other.verdict.outcome == opposite.get(one.verdict.outcome, one.verdict.outcome)


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_few_seeds_are_described_and_not_tested(seeds):
    _, _, (found,) = compared(seeds=seeds, effects=(PLANTED,))
    assert found.accuracy.verdict.outcome == "too few seeds"
    assert found.accuracy.significance.p is None
    assert (found.accuracy.paired.interval is None) == (seeds == 1)
    assert found.accuracy.over_seeds_and_images is None
    assert len(found.mcnemar) == seeds


def test_it_can_be_written_and_read_again():
    _, _, comparisons = compared(seeds=3, effects=(0.0,))
    found = comparisons[0].as_json()
    read = json.loads(json.dumps(found, allow_nan=False))
    assert read["accuracy"]["paired"]["interval"].keys() == {"low", "high"}
    assert read["accuracy"]["significance"]["p"] is None
    assert read["calibration"][14]["upto"] == 1.0
    assert read["mcnemar"][2]["seed"] == 2
    assert read["accuracy"]["verdict"]["outcome"] == "too few seeds"


def test_fractions_of_copies_have_neither_calibration_nor_mcnemar():
    """The mean over 15 corruptions, an image's copies counting as one image."""
    rng = np.random.default_rng(0)
    answers, labels = simulate(rng, seeds=6, effects=(2 * PLANTED,))
    mixed = [
        Answers("net", each.attention, each.seeds, (each.correct + rng.integers(0, 2, each.correct.shape)) / 2)
        for each in answers
    ]
    (found,) = compare_variants(mixed, labels, resamples=200)
    assert (found.calibration_error, found.calibration, found.mcnemar) == (None, (), ())
    assert found.accuracy.verdict.outcome == "better"


def test_some_may_lack_confidences():
    answers, labels, _ = compared(effects=(0.0, 0.0))
    found = compare_variants([answers[0], replace(answers[1], confidence=None), answers[2]], labels, resamples=50)
    assert found[0].calibration_error is None
    assert found[1].calibration_error is not None
    assert found[1].calibration_error.significance.family == 2
    assert found[1].accuracy.significance.family == 2


def test_labels_must_be_of_the_same_images():
    answers, labels, _ = compared(effects=(0.0,))
    with pytest.raises(ValueError, match=r"labels have shape \(361,\), but there are 362 images"):
        compare_variants(answers, labels[1:])


def test_a_study_without_variants_has_nothing_to_compare():
    answers, labels, _ = compared(effects=())
    assert compare_variants(answers, labels) == []
