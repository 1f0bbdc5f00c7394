"""What finished trials answered, read from the files of their evaluation."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simam_jax.data.corruption import CORRUPTIONS
from simam_jax.errors import UsageError
from simam_jax.reporting.robustness_files import read_recognised
from simam_jax.studies.answers import Answers
from simam_jax.studies.study import BASELINE
from simam_jax.studies.trials import Trial, Variant

ALL = "all"
"""Every corruption at every strength together."""


class Predictions(NamedTuple):
    """A trial's answers to N images.

    Attributes:
        names, labels: of the images; a label is a class name.
        correct: bool (N,).
        confidence: the probability of the class answered, float (N,).
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    correct: np.ndarray
    confidence: np.ndarray


def read_predictions(run: Path, checkpoint: str) -> Predictions:
    """Reads eval/eval/CHECKPOINT/predictions.csv of a run."""
    path = run / "eval" / "eval" / checkpoint / "predictions.csv"
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    return Predictions(
        tuple(row["path"] for row in rows),
        tuple(row["label"] for row in rows),
        np.array([row["correct"] == "true" for row in rows]),
        np.array([float(row["probability"]) for row in rows]),
    )


def gather_answers(
    trials: Mapping[Variant, Sequence[Trial]], checkpoint: str, classes: Sequence[str]
) -> tuple[list[Answers], np.ndarray]:
    """The answers of all variants that can be compared, and the images' labels, int (N,).

    Args:
        trials: the finished ones.
        checkpoint: "best" or "latest".
        classes: class names in label order.

    Raises:
        UsageError: two trials answered different images.
    """
    found = {
        variant: [read_predictions(trial.run, checkpoint) for trial in each]
        for variant, each in comparable(trials).items()
    }
    every = [(trial, p) for variant, each in found.items() for trial, p in zip(trials[variant], each, strict=True)]
    _check_same([(trial, p.names) for trial, p in every])
    answers = [
        Answers(
            variant.network,
            variant.attention,
            tuple(trial.seed for trial in trials[variant]),
            np.stack([p.correct for p in each]),
            np.stack([p.confidence for p in each]),
        )
        for variant, each in found.items()
    ]
    labels = [classes.index(label) for label in every[0][1].labels] if every else []
    return answers, np.array(labels, np.int64)


def gather_robustness(trials: Mapping[Variant, Sequence[Trial]]) -> dict[str, list[Answers]]:
    """By corruption, and "all" of them: the fraction of an image's corrupted copies that were recognised.

    Raises:
        UsageError: two trials answered different images.
    """
    found = {variant: [read_recognised(trial.run) for trial in each] for variant, each in comparable(trials).items()}
    _check_same(
        [
            (trial, names)
            for variant, each in found.items()
            for trial, (names, _) in zip(trials[variant], each, strict=True)
        ]
    )

    def fractions(marks: Mapping[str, np.ndarray], name: str) -> np.ndarray:
        return (np.concatenate(list(marks.values())) if name == ALL else marks[name]).mean(0)

    return {
        name: [
            Answers(
                variant.network,
                variant.attention,
                tuple(trial.seed for trial in trials[variant]),
                np.stack([fractions(marks, name) for _, marks in each]),
            )
            for variant, each in found.items()
        ]
        for name in [*CORRUPTIONS, ALL]
    }


def comparable(trials: Mapping[Variant, Sequence[Trial]]) -> dict[Variant, Sequence[Trial]]:
    """The variants that share a seed with their network's baseline, and those baselines."""

    def seeds(variant: Variant) -> set[int]:
        return {trial.seed for trial in trials.get(variant, ())}

    return {
        variant: each for variant, each in trials.items() if seeds(variant) & seeds(Variant(variant.network, BASELINE))
    }


def _check_same(every: Sequence[tuple[Trial, Sequence[str]]]) -> None:
    for trial, names in every:
        if list(names) != list(every[0][1]):
            raise UsageError(
                f"{every[0][0].run} and {trial.run} answered different images, as where a file could not be read: "
                f"mend the data, remove eval/ and robustness.json of the one that lacks some, and run this again"
            )
