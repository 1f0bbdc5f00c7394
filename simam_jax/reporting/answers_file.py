"""What a run answered on its evaluation images, from the files that `evaluate` wrote."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simam_jax.errors import UsageError
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.json_file import read_object

CHECKPOINTS = {"best": "best", "last": "latest"}
"""As results call an epoch, and the word by which its checkpoint is asked for; its answers' folder has that name."""

_METRICS = ("loss", "accuracy", "top5", "balanced_accuracy")


def answers_folder(run: Path, checkpoint: str) -> Path:
    """Where what a checkpoint answered on the eval split is kept."""
    return run / "eval" / "eval" / checkpoint


def read_answers(run: Path, checkpoint: str, classes: Sequence[str]) -> Evaluation | None:
    """An evaluation of the eval split; None where there is none.

    Args:
        run: the run's folder.
        checkpoint: "best" or "latest".
        classes: in label order.

    Raises:
        UsageError: a file is damaged, or names a class that the run does not know.
    """
    folder = answers_folder(run, checkpoint)
    path = folder / "predictions.csv"
    if not path.is_file():
        return None
    place = {name: label for label, name in enumerate(classes)}
    names, labels, answers, probabilities = [], [], [], []
    try:
        # File names need not be UTF-8.
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            for row in rows:
                names.append(row["path"])
                labels.append(place[row["label"]])
                answers.append(place[row["prediction"]])
                probabilities.append(_probability(row["probability"], line=rows.line_num))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except KeyError as error:
        raise UsageError(
            f"{path} is damaged: {error} is no column, or no class of the run; evaluate it again"
        ) from error
    except (csv.Error, ValueError, TypeError) as error:
        raise UsageError(f"{path} is damaged: {error}; evaluate the run again") from error
    if not names:
        return None
    step, metrics = _read_metrics(folder / "metrics.json")
    return Evaluation(
        step=step,
        metrics=metrics,
        classes=tuple(classes),
        names=names,
        labels=np.array(labels),
        predictions=np.array(answers),
        probabilities=np.array(probabilities, np.float64),
    )


def _probability(text: str, *, line: int) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"in line {line} the probability is {text}, and not between 0 and 1")
    return value


def _read_metrics(path: Path) -> tuple[int, dict[str, float]]:
    found = read_object(path) if path.is_file() else {}
    try:
        metrics = {name: float(found[name]) for name in _METRICS if found.get(name) is not None}
        return int(found.get("step", 0)), metrics
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is damaged: {error}; evaluate the run again") from error
