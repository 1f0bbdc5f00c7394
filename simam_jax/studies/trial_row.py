"""A trial in numbers, as results.json has it."""

import json
from typing import Any

from simam_jax.data.corruption import CORRUPTIONS
from simam_jax.reporting.calibration import calibration_error, reliability
from simam_jax.reporting.robustness_files import NUMBERS
from simam_jax.studies.scoring import BEST, LAST
from simam_jax.studies.selection import Epoch, best_epoch, last_epoch
from simam_jax.studies.trial_answers import read_predictions
from simam_jax.studies.trials import State, Trial
from simam_jax.training.summaries import read_metrics

_EPOCHS_BACK = 5


def describe_trial(trial: Trial, state: State, metric: str) -> dict[str, Any]:
    """A trial's row; of one that is not done, its seed, folder and state.

    Args:
        trial: which; where it is done, it is scored too.
        state: how far it has come.
        metric: by which its best epoch was chosen.
    """
    row: dict[str, Any] = {"seed": trial.seed, "run": f"trials/{trial.name}", "state": state}
    if state != "done":
        return {**row, "best": None, "last": None, "robustness": None}
    numbers = json.loads((trial.run / NUMBERS).read_text())
    return {
        **row,
        "best": _scores(trial, BEST, best_epoch(trial.run, metric)),
        "last": _scores(trial, LAST, last_epoch(trial.run)),
        "robustness": {name: numbers[name] for name in ("clean", *CORRUPTIONS)},
    }


def _scores(trial: Trial, checkpoint: str, epoch: Epoch | None) -> dict[str, Any]:
    metrics = json.loads((trial.run / "eval" / "eval" / checkpoint / "metrics.json").read_text())
    answers = read_predictions(trial.run, checkpoint)
    return {
        "epoch": epoch and epoch.epoch,
        "step": metrics["step"],
        "accuracy": metrics["accuracy"],
        "balanced_accuracy": metrics["balanced_accuracy"],
        "loss": metrics["loss"],
        "calibration_error": calibration_error(reliability(answers.correct, answers.confidence)),
        "val_accuracy": epoch and epoch.val_accuracy,
    }


def loss_change(trial: Trial, epochs: int) -> float | None:
    """Training loss of the last epoch − that of five epochs before; None of a shorter run."""
    by_epoch = {line["epoch"]: line["train/loss"] for line in read_metrics(trial.run) if "train/loss" in line}
    last, before = by_epoch.get(epochs - 1), by_epoch.get(epochs - 1 - _EPOCHS_BACK)
    return None if last is None or before is None else last - before
