"""A trial in numbers, as results.json has it."""

from collections.abc import Sequence
from typing import Any

from simam_jax.reporting.calibration import calibration_error, reliability
from simam_jax.reporting.metrics_file import by_epoch, read_metrics
from simam_jax.studies.scoring import robust_epochs
from simam_jax.studies.selection import Epoch, select
from simam_jax.studies.trial_answers import answers_of, robustness_of
from simam_jax.studies.trials import State, Trial

_EPOCHS_BACK = 5


def describe_trial(trial: Trial, state: State, metric: str, classes: Sequence[str]) -> dict[str, Any]:
    """A trial's row; of one that is not done, its seed, folder and state.

    Args:
        trial: which; where it is done, it is scored too.
        state: how far it has come.
        metric: by which its best epoch was chosen.
        classes: of its data, in label order.

    Raises:
        UsageError: one of its files is damaged.
    """
    row: dict[str, Any] = {"seed": trial.seed, "run": f"trials/{trial.name}", "state": state}
    nothing = {"best": None, "last": None}
    if state != "done":
        return {**row, **nothing, "robustness": nothing}
    best, last, split = select(trial.run, metric)
    robust = {epoch: robustness_of(trial, epoch).accuracies for epoch in robust_epochs(split)}
    return {
        **row,
        "best": _scores(trial, "best", best, classes),
        "last": _scores(trial, "last", last, classes),
        "robustness": nothing | robust,
    }


def _scores(trial: Trial, which: str, epoch: Epoch | None, classes: Sequence[str]) -> dict[str, Any]:
    answers = answers_of(trial, which, classes)
    return {
        "epoch": epoch and epoch.epoch,
        "step": answers.step,
        "accuracy": answers.metrics["accuracy"],
        "balanced_accuracy": answers.metrics["balanced_accuracy"],
        "loss": answers.metrics.get("loss"),
        "calibration_error": calibration_error(
            reliability(answers.labels == answers.predictions, answers.probabilities)
        ),
        "val_accuracy": epoch and epoch.val_accuracy,
    }


def loss_change(trial: Trial, epochs: int) -> float | None:
    """Mean training loss of the last epoch − that of five epochs before; None of a shorter run."""
    losses = by_epoch(read_metrics(trial.run), "train/loss")
    last, before = losses.get(epochs - 1), losses.get(epochs - 1 - _EPOCHS_BACK)
    return None if last is None or before is None else last - before
