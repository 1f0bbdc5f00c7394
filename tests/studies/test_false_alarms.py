"""How often a study without a true difference reports one, and how often one with a difference finds it.

Whole studies are simulated, image by image, and go through `compare_variants`. Bounds of the short ones are three
standard errors and more away from what is expected; `-m slow -s` runs the long ones and prints what they found.
"""

from typing import NamedTuple

import numpy as np
import pytest
from simulated_study import Truth, simulate

from simam_jax.studies.variants import compare_variants

SCORES = ("accuracy", "balanced_accuracy", "calibration_error")
PLAIN = Truth()
WITH_TASTE = Truth(image_in_variant=0.7)


class Studies(NamedTuple):
    """What many studies came to; each array has (studies, variants).

    Attributes:
        outcomes: of the verdicts, by score.
        points: differences of accuracy.
        held: whether the interval of the accuracy over seeds holds 0.
        held_over_both: whether that over seeds and images does.
    """

    outcomes: dict[str, np.ndarray]
    points: np.ndarray
    held: np.ndarray
    held_over_both: np.ndarray


def run_studies(
    runs: int, *, seed: int, seeds: int, effects: tuple[float, ...], truth: Truth = PLAIN, resamples: int = 50
) -> Studies:
    rng = np.random.default_rng(seed)
    outcomes, points, held, held_over_both = [], [], [], []
    for _ in range(runs):
        answers, labels = simulate(rng, seeds=seeds, effects=effects, truth=truth)
        found = compare_variants(answers, labels, resamples=resamples)
        outcomes.append([[getattr(each, score).verdict.outcome for each in found] for score in SCORES])
        points.append([100 * each.accuracy.paired.difference for each in found])
        held.append([holds_0(each.accuracy.paired.interval) for each in found])
        held_over_both.append([holds_0(each.accuracy.over_seeds_and_images) for each in found])
    by_score = np.array(outcomes).swapaxes(0, 1)
    return Studies(dict(zip(SCORES, by_score, strict=True)), np.array(points), np.array(held), np.array(held_over_both))


def holds_0(interval) -> bool:
    assert interval is not None
    return interval.low <= 0 <= interval.high


def reported(outcomes: np.ndarray) -> float:
    """The fraction of studies that call any variant better or worse."""
    return float(np.isin(outcomes, ["better", "worse"]).any(1).mean())


def test_one_variant_without_a_difference():
    assert reported(run_studies(150, seed=1, seeds=10, effects=(0.0,)).outcomes["accuracy"]) < 0.11


def test_four_variants_without_a_difference():
    assert reported(run_studies(60, seed=2, seeds=8, effects=(0.0,) * 4).outcomes["accuracy"]) < 0.12


def test_a_planted_difference_is_found_among_others_without():
    found = run_studies(30, seed=3, seeds=8, effects=(0.0, 0.8, 0.0, 0.0))
    assert (found.outcomes["accuracy"][:, 1] == "better").mean() > 0.9


@pytest.mark.slow
def test_a_thousand_studies_of_one_variant_without_a_difference():
    found = run_studies(1000, seed=11, seeds=10, effects=(0.0,))
    print(
        f"\none variant, 10 seeds, no difference, 1000 studies; accuracies differ by ±{found.points.std():.2f} points"
    )
    for score, outcomes in found.outcomes.items():
        print(f"  {score}: {reported(outcomes):.1%} report one")
    print(f"  0 lies in {found.held.mean():.1%} of the intervals over seeds", end="")
    print(f" and in {found.held_over_both.mean():.1%} of those over seeds and images")
    assert all(0.03 <= reported(outcomes) <= 0.07 for outcomes in found.outcomes.values())


@pytest.mark.slow
def test_a_thousand_studies_of_four_variants_without_a_difference():
    found = run_studies(1000, seed=12, seeds=8, effects=(0.0,) * 4)
    print("\nfour variants, 8 seeds, Holm, no difference, 1000 studies")
    for score, outcomes in found.outcomes.items():
        print(f"  {score}: {reported(outcomes):.1%} report any")
    assert all(reported(outcomes) <= 0.07 for outcomes in found.outcomes.values())


@pytest.mark.slow
def test_a_planted_difference_is_found():
    print("\nfour variants, 8 seeds, Holm, one of them better, 300 studies each")
    better = 0.0
    for effect in (0.1, 0.2, 0.4, 0.8):
        found = run_studies(300, seed=13, seeds=8, effects=(0.0, effect, 0.0, 0.0))
        planted = found.outcomes["accuracy"][:, 1]
        others = reported(found.outcomes["accuracy"][:, [0, 2, 3]])
        better, worse = (planted == "better").mean(), (planted == "worse").mean()
        print(
            f"  by {found.points[:, 1].mean():.1f} points: called better in {better:.1%}, worse in {worse:.1%};", end=""
        )
        print(f" another variant reported in {others:.1%}")
        assert worse <= 0.01
        assert others <= 0.07
    assert better > 0.95


@pytest.mark.slow
def test_images_with_a_taste_of_their_own_need_the_interval_over_both():
    """Without a difference over all images the variants differ on those at hand, and the test over seeds says so."""
    found = run_studies(300, seed=14, seeds=10, effects=(0.0,), truth=WITH_TASTE, resamples=1000)
    print("\none variant, 10 seeds, no difference over all images, but on those of each study, 300 studies")
    print(f"  the test over seeds reports one in {reported(found.outcomes['accuracy']):.1%};", end="")
    print(f" 0 lies in {found.held_over_both.mean():.1%} of the intervals over seeds and images")
    assert found.held_over_both.mean() > 0.92
