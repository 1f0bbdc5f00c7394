"""What trials answered, and which trials of two variants belong together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Answers:
    """What the S trials of a network with an attention answered, on the N images of a split.

    Attributes:
        network, attention: what was trained; the attention is a spec.
        seeds: of the trials, S different ones.
        correct: which images were recognised, bool (S, N); or, of several copies of each image, such as blurred and
            noisy ones, the fraction of them that were, float (S, N).
        confidence: the probability of the class answered, float (S, N); None where calibration is not asked for, and
            with fractions.
    """

    network: str
    attention: str
    seeds: tuple[int, ...]
    correct: np.ndarray
    confidence: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuses arrays that do not fit together.

        Raises:
            ValueError: a shape, a repeated seed, a value out of range.
        """
        name = f"{self.network} with {self.attention}"
        if self.correct.ndim != 2 or len(self.correct) != len(self.seeds):
            raise ValueError(f"{name}: correct must be ({len(self.seeds)} seeds, images), got {self.correct.shape}")
        if not self.correct.size:
            raise ValueError(f"{name}: there are no answers")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"{name}: a seed comes twice in {self.seeds}")
        if not ((self.correct >= 0) & (self.correct <= 1)).all():
            raise ValueError(f"{name}: correct must be bool, or fractions between 0 and 1")
        if self.confidence is None:
            return
        if self.correct.dtype != np.bool_:
            raise ValueError(f"{name}: fractions of images have no confidence")
        if self.confidence.shape != self.correct.shape:
            raise ValueError(f"{name}: confidence has shape {self.confidence.shape}, but correct {self.correct.shape}")

    def of(self, seeds: Sequence[int]) -> "Answers":
        """The same for some of the seeds, in the order given."""
        rows = [self.seeds.index(seed) for seed in seeds]
        confidence = None if self.confidence is None else self.confidence[rows]
        return replace(self, seeds=tuple(seeds), correct=self.correct[rows], confidence=confidence)


@dataclass(frozen=True)
class Match:
    """A variant and the baseline of its network, both for the seeds that both have, in ascending order.

    Attributes:
        variant, baseline: the answers.
        unpaired: seeds that only one of them has.
    """

    variant: Answers
    baseline: Answers
    unpaired: tuple[int, ...]


def match(answers: Sequence[Answers], baseline: str) -> list[Match]:
    """Puts every variant beside its network's baseline, in the order of the variants.

    Args:
        answers: of variants and baselines, of any number of networks, each once.
        baseline: the attention that the others are compared with.

    Raises:
        ValueError: a network lacks its baseline, a variant comes twice or shares no seed with its baseline, or the
            numbers of images differ.
    """
    known = {(each.network, each.attention): each for each in answers}
    if len(known) != len(answers):
        raise ValueError("a network comes twice with the same attention")
    if len({each.correct.shape[1] for each in answers}) > 1:
        raise ValueError("all trials must answer the same images")
    return [
        _match(each, known.get((each.network, baseline)), baseline) for each in answers if each.attention != baseline
    ]


def _match(variant: Answers, baseline: Answers | None, name: str) -> Match:
    if baseline is None:
        raise ValueError(f"{variant.network} has no answers with {name}, which {variant.attention} is compared with")
    common = sorted(set(variant.seeds) & set(baseline.seeds))
    if not common:
        raise ValueError(f"{variant.network}: {variant.attention} and {name} have no seed in common")
    unpaired = tuple(sorted(set(variant.seeds) ^ set(baseline.seeds)))
    return Match(variant.of(common), baseline.of(common), unpaired)
