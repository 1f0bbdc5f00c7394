"""A score of a variant beside that of its baseline, seed by seed."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95

# Of the larger score: what two ways to add up the same numbers may differ by.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval of variant − baseline."""

    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """A score of S trials each of a variant and its baseline, the same seeds in the same order.

    Attributes:
        variant, baseline: the score of each trial.
        variant_mean, baseline_mean: over the trials.
        variant_std, baseline_std: over the trials, with S − 1 in the denominator; None of a single trial.
        difference: the mean of variant − baseline.
        interval: paired-t interval of that difference over seeds, on these images; None of a single trial.
    """

    variant: tuple[float, ...]
    baseline: tuple[float, ...]
    variant_mean: float
    variant_std: float | None
    baseline_mean: float
    baseline_std: float | None
    difference: float
    interval: Interval | None


def pair(variant: np.ndarray, baseline: np.ndarray) -> Paired:
    """Describes the scores of S ≥ 1 trials each, float (S,)."""
    differences = paired_differences(variant, baseline)
    return Paired(
        tuple(variant.tolist()),
        tuple(baseline.tolist()),
        float(variant.mean()),
        _std(variant),
        float(baseline.mean()),
        _std(baseline),
        float(differences.mean()),
        t_interval(differences),
    )


def paired_differences(variant: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """variant − baseline, float (S,), with 0 where they differ by rounding only, so that ties count as ties."""
    same = np.isclose(variant, baseline, rtol=_ROUNDING, atol=0)
    return np.where(same, 0.0, variant - baseline)


def t_interval(differences: np.ndarray) -> Interval | None:
    """Student's 95 % interval of the mean of S differences; of a single one there is none."""
    std = _std(differences)
    if std is None:
        return None
    seeds, mean = len(differences), float(differences.mean())
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1)) * std / math.sqrt(seeds)
    return Interval(mean - half, mean + half)


def _std(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None
