"""How often a study without a true difference reports one, and how often one with a difference finds it.

Whole studies are simulated, image by image, and go through `compare_variants`. Bounds of the short ones are three
standard errors and more away from what is expected; `-m slow -s` runs the long ones and prints what they found.
"""

import numpy as np
import pytest
from simulated_study import Truth, simulate

from simam_jax.studies.comparison import Comparison
from simam_jax.studies.variants import compare_variants


def studies(runs: int, *, seed: int, seeds: int, effects: tuple[float, ...]) -> list[list[Comparison]]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(runs):
        answers, labels = simulate(rng, seeds=seeds, effects=effects)
        found.append(compare_variants(answers, labels, resamples=50))
    return found


def rejections(found: list[list[Comparison]], score: str = "accuracy") -> float:
    """The fraction of studies that call any variant better or worse."""
    told = [[getattr(each, score).verdict.outcome in ("better", "worse") for each in study] for study in found]
    return float(np.mean(np.any(told, axis=1)))


def test_one_variant_without_a_difference():
    assert rejections(studies(150, seed=1, seeds=10, effects=(0.0,))) < 0.11


def test_four_variants_without_a_difference():
    assert rejections(studies(60, seed=2, seeds=8, effects=(0.0,) * 4)) < 0.12


def test_a_planted_difference_is_found_among_others_without():
    found = studies(30, seed=3, seeds=8, effects=(0.0, 0.8, 0.0, 0.0))
    assert np.mean([study[1].accuracy.verdict.outcome == "better" for study in found]) > 0.9


@pytest.mark.slow
def test_a_thousand_studies_of_one_variant_without_a_difference():
    found = studies(1000, seed=11, seeds=10, effects=(0.0,))
    for score in ("accuracy", "balanced_accuracy", "calibration_error"):
        rate = rejections(found, score)
        print(f"\none variant, 10 seeds, no difference, {score}: {rate:.1%} of 1000 studies reject", end="")
        assert 0.03 <= rate <= 0.07
    held = np.mean([s[0].accuracy.paired.interval.low <= 0 <= s[0].accuracy.paired.interval.high for s in found])
    print(f"\n  the paired-t interval of the accuracy holds 0 in {held:.1%}")


@pytest.mark.slow
def test_a_thousand_studies_of_four_variants_without_a_difference():
    found = studies(1000, seed=12, seeds=8, effects=(0.0,) * 4)
    for score in ("accuracy", "balanced_accuracy", "calibration_error"):
        rate = rejections(found, score)
        print(f"\nfour variants, 8 seeds, Holm, no difference, {score}: {rate:.1%} of 1000 studies reject any", end="")
        assert rate <= 0.07


@pytest.mark.slow
def test_a_planted_difference_is_found():
    for effect in (0.1, 0.2, 0.4, 0.8):
        found = studies(300, seed=13, seeds=8, effects=(0.0, effect, 0.0, 0.0))
        points = 100 * np.mean([study[1].accuracy.paired.difference for study in found])
        outcomes = [study[1].accuracy.verdict.outcome for study in found]
        others = rejections([[each for place, each in enumerate(study) if place != 1] for study in found])
        better = outcomes.count("better") / len(outcomes)
        print(
            f"\nfour variants, 8 seeds, one better by {points:.1f} points: found in {better:.0%} of 300, "
            f"called worse in {outcomes.count('worse') / len(outcomes):.1%}, another variant reported in {others:.1%}",
            end="",
        )
        assert outcomes.count("worse") == 0
        assert others <= 0.07
    assert better > 0.95


@pytest.mark.slow
def test_images_with_a_taste_of_their_own_need_the_interval_over_both():
    """Without a difference over all images the variants differ on those at hand, and the test over seeds says so."""
    rng = np.random.default_rng(14)
    truth = Truth(image_in_variant=0.7)
    runs, told, held = 300, 0, 0
    for _ in range(runs):
        answers, labels = simulate(rng, seeds=10, effects=(0.0,), truth=truth)
        (found,) = compare_variants(answers, labels, resamples=1000)
        told += found.accuracy.verdict.outcome != "no evidence"
        interval = found.accuracy.over_seeds_and_images
        assert interval is not None
        held += interval.low <= 0 <= interval.high
    print(
        f"\none variant, 10 seeds, images with a taste: the test over seeds rejects in {told / runs:.1%} of {runs}, "
        f"the interval over seeds and images holds 0 in {held / runs:.1%}",
        end="",
    )
    assert held / runs > 0.92
