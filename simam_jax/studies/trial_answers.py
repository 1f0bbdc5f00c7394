"""What finished trials answered, read from the files of their evaluation."""

from collections.abc import Mapping, Sequence

import numpy as np

from simam_jax.data.corruption import CORRUPTIONS
from simam_jax.errors import UsageError
from simam_jax.reporting.answers_file import CHECKPOINTS, answers_folder, read_answers
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.robustness_files import Robustness, read_robustness
from simam_jax.studies.answers import Answers
from simam_jax.studies.study import BASELINE
from simam_jax.studies.trials import Trial, Variant

ALL = "all"
"""Every corruption at every strength together."""


def answers_of(trial: Trial, epoch: str, classes: Sequence[str]) -> Evaluation:
    """A finished trial's answers at its "best" or "last" epoch.

    Raises:
        UsageError: they are damaged, or gone.
    """
    found = read_answers(trial.run, CHECKPOINTS[epoch], classes)
    if found is None:
        raise UsageError(f"{answers_folder(trial.run, CHECKPOINTS[epoch])} has no answers: run this again")
    return found


def robustness_of(trial: Trial, epoch: str) -> Robustness:
    """What a finished trial recognised of corrupted images.

    Raises:
        UsageError: the files are damaged, or gone.
    """
    folder = answers_folder(trial.run, CHECKPOINTS[epoch])
    found = read_robustness(folder)
    if found is None:
        raise UsageError(f"{folder} has no robustness.json: run this again")
    return found


def gather_answers(
    trials: Mapping[Variant, Sequence[Trial]], epoch: str, classes: Sequence[str]
) -> tuple[list[Answers], np.ndarray]:
    """The answers of all variants that can be compared, and the images' labels, int (N,).

    Args:
        trials: the finished ones.
        epoch: "best" or "last".
        classes: class names in label order.

    Raises:
        UsageError: two trials answered different images.
    """
    found = {
        variant: [answers_of(trial, epoch, classes) for trial in each] for variant, each in comparable(trials).items()
    }
    every = [(trial, p) for variant, each in found.items() for trial, p in zip(trials[variant], each, strict=True)]
    _check_same([(trial, p.names) for trial, p in every])
    answers = [
        Answers(
            variant.network,
            variant.attention,
            tuple(trial.seed for trial in trials[variant]),
            np.stack([p.labels == p.predictions for p in each]),
            np.stack([p.probabilities for p in each]),
        )
        for variant, each in found.items()
    ]
    return answers, every[0][1].labels if every else np.array([], np.int64)


def gather_robustness(trials: Mapping[Variant, Sequence[Trial]], epoch: str) -> dict[str, list[Answers]]:
    """By corruption, and "all" of them: the fraction of an image's corrupted copies that were recognised.

    Args:
        trials: the finished ones.
        epoch: "best" or "last".

    Raises:
        UsageError: two trials answered different images.
    """
    found = {variant: [robustness_of(trial, epoch) for trial in each] for variant, each in comparable(trials).items()}
    _check_same(
        [
            (trial, each.names)
            for variant, measured in found.items()
            for trial, each in zip(trials[variant], measured, strict=True)
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
                np.stack([fractions(each.recognised, name) for each in measured]),
            )
            for variant, measured in found.items()
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
                f"mend the data, remove eval/ of the one that lacks some, and run this again"
            )
