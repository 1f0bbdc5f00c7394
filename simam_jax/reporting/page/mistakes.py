"""The images of whose wrong answers networks are surest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simam_jax.reporting.evaluation import Evaluation


class Mistaken(NamedTuple):
    """An image that was taken for something else.

    Attributes:
        name: CLASS/FILE.
        truth: its class.
        answers: for each group, how many of its trials were wrong, of how many, the wrong answer given most often, and
            the mean probability of the wrong answers; the last two "" and 0 where none was wrong.
        weight: the mean over all trials of the probability of a wrong answer, 0 where the answer was right.
    """

    name: str
    truth: str
    answers: Mapping[str, tuple[int, int, str, float]]
    weight: float


def most_confident_mistakes(groups: Mapping[str, Sequence[Evaluation]], most: int) -> list[Mistaken]:
    """Up to `most` images, those with the largest weight first.

    Args:
        groups: by name, the answers of trials; all are of the same images in the same order.
        most: how many.

    Raises:
        ValueError: the images differ.
    """
    every = [each for answers in groups.values() for each in answers]
    if not every:
        return []
    first = every[0]
    if any(list(each.names) != list(first.names) for each in every):
        raise ValueError("the trials answered different images")
    weights = np.mean([np.where(each.labels != each.predictions, each.probabilities, 0.0) for each in every], axis=0)
    order: list[int] = [place for place in np.argsort(-weights, kind="stable").tolist() if weights[place] > 0]
    return [
        Mistaken(
            first.names[place],
            first.classes[int(first.labels[place])],
            {name: _wrong(answers, place) for name, answers in groups.items() if answers},
            float(weights[place]),
        )
        for place in order[:most]
    ]


def _wrong(answers: Sequence[Evaluation], place: int) -> tuple[int, int, str, float]:
    wrong = [each for each in answers if each.labels[place] != each.predictions[place]]
    if not wrong:
        return 0, len(answers), "", 0.0
    said = Counter(each.classes[int(each.predictions[place])] for each in wrong)
    return len(wrong), len(answers), said.most_common(1)[0][0], float(np.mean([e.probabilities[place] for e in wrong]))
