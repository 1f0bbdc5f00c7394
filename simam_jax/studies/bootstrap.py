"""How far a difference might be elsewhere: with other seeds and other images of the same kind."""

from typing import NamedTuple

import numpy as np

from simam_jax.studies.pairing import CONFIDENCE, Interval
from simam_jax.studies.scores import class_sums
from simam_jax.studies.significance import FEWEST_SEEDS

RESAMPLES = 10_000

# Weights of images that are held at a time.
_MOST_VALUES = 2**22


class BootstrapIntervals(NamedTuple):
    """Of variant − baseline, over seeds and images together."""

    accuracy: Interval
    balanced_accuracy: Interval


def bootstrap(
    differences: np.ndarray, labels: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> BootstrapIntervals | None:
    """Percentile bootstrap of the mean difference, drawing S of the S seeds and N of the N images, with replacement.

    A drawn image is drawn for all seeds and for both sides, a drawn seed for all images, as they are crossed. What is
    particular to one image in one trial counts up to three times in the variance, which makes the interval wider than
    need be. Drawn seeds vary too little, by √((S − 1)/S), so their deviations from the mean of all are stretched by as
    much. What stays is that the quantiles of few seeds lie where the normal distribution's do, and not Student's: with
    6 seeds that matter more than the images, 89 % of the intervals hold the difference. Classes that no drawn
    image shows do not count towards a resample's balanced accuracy. Sources: Owen, The pigeonhole bootstrap, Annals of
    Applied Statistics 1, 2007; for few seeds Hesterberg, What teachers should know about the bootstrap, The American
    Statistician 69, 2015.

    Args:
        differences: variant − baseline of whether an image was recognised, (S, N), each between −1 and 1.
        labels: the true classes, int (N,).
        resamples: how many.
        seed: of the draws; the same one draws the same seeds and images for every variant.

    Returns:
        The 95 % intervals; None below 6 seeds, which is too few to draw others from.
    """
    seeds, images = differences.shape
    if seeds < FEWEST_SEEDS:
        return None
    rng = np.random.default_rng(seed)
    differences = differences.astype(np.float64)
    found, stretch = np.empty((2, resamples)), np.sqrt(seeds / (seeds - 1))
    step = max(1, _MOST_VALUES // images)
    for start in range(0, resamples, step):
        part = found[:, start : start + step]
        trials = 1 / seeds + stretch * (_drawn(rng, part.shape[1], seeds) - 1) / seeds
        weights = _drawn(rng, part.shape[1], images)
        gains = trials @ differences * weights
        part[0] = gains.sum(1) / images
        sizes = class_sums(weights, labels)
        present = sizes > 0
        recalls = np.divide(class_sums(gains, labels), sizes, out=np.zeros_like(sizes), where=present)
        part[1] = recalls.sum(1) / present.sum(1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(found, [tail, 1 - tail], axis=1).tolist()
    return BootstrapIntervals(Interval(low[0], high[0]), Interval(low[1], high[1]))


def _drawn(rng: np.random.Generator, times: int, size: int) -> np.ndarray:
    """How often each of `size` things is drawn in `size` draws: float64 (times, size)."""
    places = rng.integers(size, size=(times, size)) + size * np.arange(times)[:, None]
    return np.bincount(places.ravel(), minlength=times * size).reshape(times, size).astype(np.float64)
