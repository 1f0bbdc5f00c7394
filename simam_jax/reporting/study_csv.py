"""A study's trials as a table, one a line: results.csv."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from simam_jax.reporting.headline import EPOCHS
from simam_jax.reporting.robustness import corruptions, robust_accuracy

_SCORES = ("epoch", "step", "accuracy", "balanced_accuracy", "loss", "calibration_error", "val_accuracy")


def study_csv(results: Mapping[str, Any]) -> str:
    """The text of results.csv.

    Columns: network, attention, seed, state; the best epoch's scores, and the last epoch's, with last_ before their
    names; likewise robust_accuracy, the mean over all corruptions and strengths, and each corruption's mean over
    strengths. What a trial lacks is empty.

    Args:
        results: the content of results.json.
    """
    kinds = {"robust_accuracy": "", **{f"{kind}_accuracy": kind for kind in _corruptions(results)}}
    header = ["network", "attention", "seed", "state"]
    for names in (_SCORES, kinds):
        header += [*names, *(f"last_{name}" for name in names)]
    rows = [header]
    for variant in results["variants"]:
        for trial in variant["trials"]:
            row = [variant["network"], variant["attention"], trial["seed"], trial["state"]]
            for epoch in EPOCHS:
                scores = trial[epoch] or {}
                row += [_text(scores.get(name)) for name in _SCORES]
            for epoch in EPOCHS:
                row += [_text(robust_accuracy(trial["robustness"][epoch], kind)) for kind in kinds.values()]
            rows.append(row)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _corruptions(results: Mapping[str, Any]) -> list[str]:
    trials = (trial for variant in results["variants"] for trial in variant["trials"])
    return next((list(corruptions(trial["robustness"]["best"])) for trial in trials if trial["robustness"]["best"]), [])


def _text(value: float | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.6f}"
