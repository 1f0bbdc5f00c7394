"""A study's trials as a table, one a line: results.csv."""

import csv
import io
from collections.abc import Mapping
from typing import Any

_SCORES = ("epoch", "step", "accuracy", "balanced_accuracy", "loss", "calibration_error", "val_accuracy")


def study_csv(results: Mapping[str, Any]) -> str:
    """The text of results.csv.

    Columns: network, attention, seed, state; the best epoch's scores; the last epoch's, with last_ before their names;
    robust_accuracy, the mean over all corruptions and strengths, and each corruption's mean over strengths. What a
    trial lacks is empty.

    Args:
        results: the content of results.json.
    """
    kinds = _corruptions(results)
    header = ["network", "attention", "seed", "state", *_SCORES, *(f"last_{name}" for name in _SCORES)]
    rows = [[*header, "robust_accuracy", *(f"{kind}_accuracy" for kind in kinds)]]
    for variant in results["variants"]:
        for trial in variant["trials"]:
            row = [variant["network"], variant["attention"], trial["seed"], trial["state"]]
            for which in ("best", "last"):
                scores = trial[which] or {}
                row += [_text(scores.get(name)) for name in _SCORES]
            robust = [_mean(trial["robustness"], kind) for kind in kinds]
            row += [_text(robust_accuracy(trial["robustness"])), *map(_text, robust)]
            rows.append(row)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def robust_accuracy(robustness: Mapping[str, Any] | None) -> float | None:
    """The mean accuracy over all corruptions and strengths."""
    if robustness is None:
        return None
    values = [value for each in robustness.values() if isinstance(each, Mapping) for value in each.values()]
    return sum(values) / len(values)


def _corruptions(results: Mapping[str, Any]) -> list[str]:
    for variant in results["variants"]:
        for trial in variant["trials"]:
            if trial["robustness"]:
                return [name for name, each in trial["robustness"].items() if isinstance(each, Mapping)]
    return []


def _mean(robustness: Mapping[str, Any] | None, kind: str) -> float | None:
    return None if robustness is None else sum(robustness[kind].values()) / len(robustness[kind])


def _text(value: float | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.6f}"
