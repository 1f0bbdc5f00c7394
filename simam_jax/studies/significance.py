"""Tests of a family of variants, corrected for their number."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simam_jax.studies.sign_flip import is_exact, sign_flip_p, smallest_p

# With 5 seeds no p is below 2/32, which is more than 5 %.
FEWEST_SEEDS = 6


@dataclass(frozen=True)
class Significance:
    """What the sign-flip test says of a variant, two-sided.

    Attributes:
        seeds: pairs of trials.
        family: variants that the correction is over, this one included, and those that are not tested.
        p: of this variant alone; None below 6 seeds, where no test is made.
        corrected_p: after Holm's correction over the family, in which what is not tested has p = 1; None likewise.
        smallest_p: the smallest p that so many seeds can give.
        smallest_corrected_p: the smallest corrected p that so many seeds, variants and seeds of the others can give;
            None below 6 seeds.
        exact: all patterns of signs were counted.
    """

    seeds: int
    family: int
    p: float | None
    corrected_p: float | None
    smallest_p: float
    smallest_corrected_p: float | None
    exact: bool


def assess(differences: Sequence[np.ndarray], *, family: int | None = None) -> list[Significance]:
    """Tests every variant that has 6 seeds or more against its baseline, and corrects over all that were asked for.

    The probability that any variant without an effect is called significant at a level stays below that level, however
    the variants depend on each other. Those that are not tested count as p = 1: so a corrected p can only fall as they
    are finished. Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6, 1979.

    Args:
        differences: of each variant, variant − baseline of S seeds, float (S,).
        family: variants that were asked for, with those that have no differences yet; None is those given.

    Raises:
        ValueError: the family has fewer variants than are given.
    """
    family = len(differences) if family is None else family
    if family < len(differences):
        raise ValueError(f"a family of {family} cannot have {len(differences)} variants")
    tested = [place for place, each in enumerate(differences) if len(each) >= FEWEST_SEEDS]
    untested = [1.0] * (family - len(tested))
    found = [sign_flip_p(differences[place]) for place in tested]
    corrected = dict(zip(tested, holm([*found, *untested]), strict=False))
    # Holm's p grows with every p of the family, so the smallest come together.
    least = [smallest_p(len(differences[place])) for place in tested]
    smallest = dict(zip(tested, holm([*least, *untested]), strict=False))
    p = dict(zip(tested, found, strict=True))
    return [
        Significance(
            seeds=len(each),
            family=family,
            p=p.get(place),
            corrected_p=corrected.get(place),
            smallest_p=smallest_p(len(each)),
            smallest_corrected_p=smallest.get(place),
            exact=is_exact(len(each)),
        )
        for place, each in enumerate(differences)
    ]


def seeds_needed(family: int, alpha: float) -> int:
    """The fewest seeds with which the smallest corrected p of a family, all of as many seeds, can be at most α.

    Holm multiplies the smallest p of all by the family's size: 6 seeds do for 1 variant, 7 for 3, 8 for 6, 9 for 12.

    Args:
        family: variants that are tested together.
        alpha: the level of the test.
    """
    return next(seeds for seeds in itertools.count(FEWEST_SEEDS) if family * 2.0 / 2**seeds <= alpha)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's corrected p of each of a family's, in their order."""
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p, method="holm")[1]).tolist() if p else []
