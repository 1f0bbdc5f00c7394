"""Whether two trained networks differ on the images: the images that one of them recognises and the other does not."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Discordance:
    """Where the two trials of a seed disagree.

    Attributes:
        seed: of both.
        only_variant: images that the variant's trial alone recognised.
        only_baseline: images that the baseline's trial alone recognised.
        p: McNemar's, exact and two-sided, not corrected for the number of seeds.
    """

    seed: int
    only_variant: int
    only_baseline: int
    p: float


def discordance(seed: int, variant: np.ndarray, baseline: np.ndarray) -> Discordance:
    """McNemar's test of two trials on the same N images.

    It speaks of these two trained networks on other images, and not of other seeds: that one network is better than
    another says little about what made it. The binomial test is used for any number of images; the chi-square one only
    approximates it. Source: McNemar, Psychometrika 12, 1947; Dietterich, Neural Computation 10, 1998, on networks.

    Args:
        seed: of both trials.
        variant, baseline: which images each recognised, bool (N,).
    """
    from statsmodels.stats.contingency_tables import mcnemar

    only_variant, only_baseline = int((variant & ~baseline).sum()), int((baseline & ~variant).sum())
    both, neither = int((variant & baseline).sum()), int((~variant & ~baseline).sum())
    result: Any = mcnemar([[both, only_variant], [only_baseline, neither]], exact=True)
    return Discordance(seed, only_variant, only_baseline, float(result.pvalue))
