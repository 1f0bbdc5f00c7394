"""Seeds and images drawn together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from simulated_study import Truth, simulate

from simam_jax.studies import bootstrap as module
from simam_jax.studies.bootstrap import bootstrap
from simam_jax.studies.pairing import Interval


def gains(rng: np.random.Generator, seeds: int, images: int) -> np.ndarray:
    return rng.integers(-1, 2, (seeds, images))


def test_it_is_the_bootstrap_written_out():
    """Index by index, by other draws; at 20 000 resamples the bounds are known to a few percent of the width."""
    rng = np.random.default_rng(0)
    differences, labels = (
        gains(rng, 7, 30) + (rng.uniform(size=(7, 1)) > 0.4),
        rng.choice([0, 1, 5], 30, p=[0.7, 0.2, 0.1]),
    )
    differences = np.clip(differences, -1, 1)
    plain, balanced = [], []
    for _ in range(20_000):
        rows, columns = rng.integers(7, size=7), rng.integers(30, size=30)
        mean = differences.mean(0)
        drawn = (mean + np.sqrt(7 / 6) * (differences[rows] - mean))[:, columns]
        shown = labels[columns]
        plain.append(drawn.mean())
        balanced.append(np.mean([drawn[:, shown == label].mean() for label in np.unique(shown)]))
    found = bootstrap(differences, labels, resamples=20_000)
    assert found is not None
    for interval, values in ((found.accuracy, plain), (found.balanced_accuracy, balanced)):
        low, high = np.quantile(values, [0.025, 0.975])
        assert interval.low == pytest.approx(low, abs=0.03 * (high - low))
        assert interval.high == pytest.approx(high, abs=0.03 * (high - low))
    assert found.accuracy != found.balanced_accuracy


def test_its_variance_is_owens():
    """Of a sum of seed and image effects alone, σ²_seed/S + σ²_image/N, the first taken over S − 1."""
    rng = np.random.default_rng(1)
    of_seed, of_image = rng.uniform(-0.3, 0.3, (12, 1)), rng.uniform(-0.3, 0.3, 400)
    found = bootstrap(of_seed + of_image, np.zeros(400, int), resamples=20_000)
    assert found is not None
    std = np.sqrt(of_seed.var(ddof=1) / 12 + of_image.var() / 400)
    assert found.accuracy.high - found.accuracy.low == pytest.approx(2 * 1.96 * std, rel=0.03)
    # Of a single class both are the same.
    assert found.balanced_accuracy.low == pytest.approx(found.accuracy.low)
    assert found.balanced_accuracy.high == pytest.approx(found.accuracy.high)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    rng = np.random.default_rng(2)
    differences, labels = gains(rng, 8, 50), rng.integers(0, 4, 50)
    first = bootstrap(differences, labels, resamples=500)
    assert bootstrap(differences, labels, resamples=500) == first
    assert bootstrap(differences, labels, resamples=500, seed=1) != first


def test_resamples_that_do_not_fit_at_once_are_all_drawn(monkeypatch):
    rng = np.random.default_rng(3)
    differences, labels = gains(rng, 8, 50), rng.integers(0, 4, 50)
    whole = bootstrap(differences, labels, resamples=20_000)
    monkeypatch.setattr(module, "_MOST_VALUES", 50 * 77)
    parts = bootstrap(differences, labels, resamples=20_000)
    assert whole is not None
    assert parts is not None
    assert parts.accuracy.low == pytest.approx(whole.accuracy.low, abs=0.01)
    assert parts.balanced_accuracy.high == pytest.approx(whole.balanced_accuracy.high, abs=0.01)


@settings(max_examples=25)
@given(st.integers(6, 10), st.integers(1, 30), st.integers(0, 2**32))
def test_the_other_way_round_is_the_mirror_image(seeds, images, seed):
    rng = np.random.default_rng(seed)
    differences, labels = gains(rng, seeds, images), rng.integers(0, 3, images)
    there, back = (bootstrap(sign * differences, labels, resamples=200) for sign in (1, -1))
    assert there is not None
    assert back is not None
    for one, other in zip(there, back, strict=True):
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-12)
        assert one.low <= one.high


def test_no_difference_has_no_width():
    found = bootstrap(np.zeros((6, 10)), np.arange(10), resamples=100)
    assert found is not None
    assert found.accuracy == found.balanced_accuracy == Interval(0.0, 0.0)


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_too_few_seeds_say_too_little_about_others(seeds):
    rng = np.random.default_rng(5)
    assert bootstrap(gains(rng, seeds, 10), np.arange(10), resamples=100) is None


def test_where_seeds_matter_most_it_holds_the_difference_as_often_as_is_said():
    """Six normal seeds, their variance over S − 1, between quantiles of the normal distribution: 89 %, not 87."""
    rng = np.random.default_rng(5)
    truth = Truth(trial=1.0, image_in_trial=0.0)
    held, runs = 0, 1000
    for _ in range(runs):
        answers, labels = simulate(rng, seeds=6, effects=(0.0,), images=100, truth=truth)
        found = bootstrap(answers[1].correct.astype(float) - answers[0].correct, labels, resamples=300)
        assert found is not None
        held += found.accuracy.low <= 0 <= found.accuracy.high
    assert held / runs == pytest.approx(1 - 2 * stats.t.sf(1.96, 5), abs=0.02)


def test_the_interval_holds_the_difference_over_all_images():
    """Where an image has its own taste in variants, which the test over seeds cannot see; few seeds cost a little."""
    rng = np.random.default_rng(4)
    truth = Truth(image_in_variant=0.7)
    held, runs = 0, 200
    for _ in range(runs):
        answers, labels = simulate(rng, seeds=8, effects=(0.0,), images=150, truth=truth)
        differences = answers[1].correct.astype(float) - answers[0].correct
        found = bootstrap(differences, labels, resamples=300)
        assert found is not None
        held += found.accuracy.low <= 0 <= found.accuracy.high
    assert held / runs > 0.9
