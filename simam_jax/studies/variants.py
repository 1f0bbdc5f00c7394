"""Does the attention help? All variants of a study against their baselines."""

from collections.abc import Sequence

import numpy as np

from simam_jax.reporting.calibration import Reliability, calibration_error, reliability
from simam_jax.studies.answers import Answers, Match, match
from simam_jax.studies.bootstrap import RESAMPLES, bootstrap
from simam_jax.studies.comparison import Comparison, Difference
from simam_jax.studies.mcnemar import Discordance, discordance
from simam_jax.studies.pairing import Interval, pair, paired_differences
from simam_jax.studies.scores import accuracy, balanced_accuracy
from simam_jax.studies.significance import assess
from simam_jax.studies.verdict import ALPHA, judge

_Scores = tuple[np.ndarray, np.ndarray]  # the variant's and the baseline's, (S,) each


def compare_variants(
    answers: Sequence[Answers],
    labels: np.ndarray,
    *,
    baseline: str = "none",
    family: int | None = None,
    alpha: float = ALPHA,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Comparison]:
    """Compares every variant with the baseline of its network.

    The seeds are paired by number. Holm's correction runs over all variants of all networks, for each score by itself,
    and those without a test count as p = 1: the level holds for the variants of one score, not over the scores, so say
    beforehand which one counts.

    Args:
        answers: of variants and baselines, all on the same N images in the same order.
        labels: the images' true classes, int (N,), from 0.
        baseline: the attention that the others are compared with.
        family: variants that were asked for, with those that have no answers yet; None is those of `answers`.
        alpha: the level at which a verdict speaks of a difference, over all variants.
        resamples: of the bootstrap.
        seed: of the bootstrap; the same one gives the same result.

    Returns:
        A comparison a variant, in the order of `answers`.

    Raises:
        ValueError: what `match` refuses, labels that do not fit, or a family of fewer variants than there are.
    """
    matches = match(answers, baseline)
    family = len(matches) if family is None else family
    for each in matches:
        if labels.shape != each.variant.correct.shape[1:]:
            raise ValueError(f"labels have shape {labels.shape}, but there are {each.variant.correct.shape[1]} images")
    resampled = [bootstrap(_gains(each), labels, resamples=resamples, seed=seed) for each in matches]
    plain = _compare(
        [(accuracy(each.variant.correct), accuracy(each.baseline.correct)) for each in matches],
        [each and each.accuracy for each in resampled],
        family=family,
        alpha=alpha,
    )
    balanced = _compare(
        [
            (balanced_accuracy(each.variant.correct, labels), balanced_accuracy(each.baseline.correct, labels))
            for each in matches
        ],
        [each and each.balanced_accuracy for each in resampled],
        family=family,
        alpha=alpha,
    )
    calibrated = _compare_calibration(matches, family=family, alpha=alpha)
    return [
        Comparison(
            network=each.variant.network,
            attention=each.variant.attention,
            baseline=baseline,
            seeds=each.variant.seeds,
            unpaired=each.unpaired,
            images=len(labels),
            accuracy=plain[place],
            balanced_accuracy=balanced[place],
            calibration_error=calibrated.get(place),
            calibration=_diagram(each.variant),
            baseline_calibration=_diagram(each.baseline),
            mcnemar=_discordances(each),
        )
        for place, each in enumerate(matches)
    ]


def _compare(
    scores: Sequence[_Scores],
    resampled: Sequence[Interval | None],
    *,
    family: int,
    alpha: float,
    lower_is_better: bool = False,
) -> list[Difference]:
    pairs = [pair(*each) for each in scores]
    significances = assess([paired_differences(*each) for each in scores], family=family)
    return [
        Difference(
            paired,
            interval,
            significance,
            judge(
                significance, paired.difference, paired.interval, interval, alpha=alpha, lower_is_better=lower_is_better
            ),
        )
        for paired, interval, significance in zip(pairs, resampled, significances, strict=True)
    ]


def _compare_calibration(matches: Sequence[Match], *, family: int, alpha: float) -> dict[int, Difference]:
    """By the place of those matches that have confidences on both sides."""
    sides = {place: (_errors(each.variant), _errors(each.baseline)) for place, each in enumerate(matches)}
    scores = {place: (ours, theirs) for place, (ours, theirs) in sides.items() if len(ours) and len(theirs)}
    found = _compare(list(scores.values()), [None] * len(scores), family=family, alpha=alpha, lower_is_better=True)
    return dict(zip(scores, found, strict=True))


def _errors(answers: Answers) -> np.ndarray:
    """Each trial's calibration error, (S,); empty without confidences."""
    if answers.confidence is None:
        return np.empty(0)
    trials = zip(answers.correct, answers.confidence, strict=True)
    return np.array([calibration_error(reliability(correct, confidence)) for correct, confidence in trials])


def _diagram(answers: Answers) -> tuple[Reliability, ...]:
    return () if answers.confidence is None else tuple(reliability(answers.correct, answers.confidence))


def _gains(each: Match) -> np.ndarray:
    return each.variant.correct.astype(np.float64) - each.baseline.correct


def _discordances(each: Match) -> tuple[Discordance, ...]:
    if {each.variant.correct.dtype, each.baseline.correct.dtype} != {np.dtype(bool)}:
        return ()
    trials = zip(each.variant.seeds, each.variant.correct, each.baseline.correct, strict=True)
    return tuple(discordance(seed, ours, theirs) for seed, ours, theirs in trials)
