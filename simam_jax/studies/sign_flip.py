"""An exact paired permutation test over seeds.

If the attention made no difference, the two trials of a seed could as well have been exchanged, which turns the sign of
their difference. So all 2^S patterns of signs are equally likely, and p is the fraction of them with a mean as far from
0 as the one found. Nothing is assumed of the differences' distribution. The images are what they are: p speaks of other
seeds, not of other images. Source: Fisher, The design of experiments, 1935, section 21.
"""

import numpy as np
from scipy import stats

# Halves of 2^20 sums each: beyond, patterns are drawn.
_MOST_EXACT = 40
_DRAWN = 99_999
# Of the sum of all |differences|: sums that differ by less are ties.
_ROUNDING = 1e-9


def sign_flip_p(differences: np.ndarray) -> float:
    """The two-sided p of S ≥ 1 paired differences, float (S,): exact up to 40 seeds.

    Beyond 40, 99 999 patterns of signs are drawn, always the same ones. Of the two sides the one with fewer hits, as
    far out as what was found, counts: p is 2 (hits + 1) / 100 000, at most 1.
    """
    differences = np.asarray(differences, np.float64)
    if not is_exact(len(differences)):
        return float(
            stats.permutation_test(
                (differences,),
                np.mean,
                permutation_type="samples",
                vectorized=True,
                n_resamples=_DRAWN,
                batch=1000,
                rng=0,
            ).pvalue
        )
    scale = np.abs(differences).sum()
    if not scale:
        return 1.0
    # A sum over all seeds is one over the first half plus one over the second.
    half = len(differences) // 2
    first, second = _signed_sums(differences[:half]), np.sort(_signed_sums(differences[half:]))
    least = abs(differences.sum()) - _ROUNDING * scale
    reach = len(second) - np.searchsorted(second, least - first)
    opposite = np.searchsorted(second, -least - first, side="right")
    patterns = 2 ** len(differences)
    return min(1.0, int(reach.sum() + opposite.sum()) / patterns)


def smallest_p(seeds: int) -> float:
    """The smallest two-sided p that so many seeds can give.

    Where all differences have one sign, 2 of the 2^S patterns reach as far; of patterns that are drawn, it may be none.
    """
    return min(1.0, 2.0 / 2**seeds) if is_exact(seeds) else 2.0 / (_DRAWN + 1)


def is_exact(seeds: int) -> bool:
    """Whether all patterns of signs are counted, and not a sample of them."""
    return seeds <= _MOST_EXACT


def _signed_sums(values: np.ndarray) -> np.ndarray:
    """The sums under all patterns of signs, float (2^len(values),)."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums
