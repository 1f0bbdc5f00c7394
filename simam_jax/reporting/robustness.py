"""Accuracy on corrupted images, in numbers."""

from collections.abc import Mapping
from typing import Any


def corruptions(robustness: Mapping[str, Any] | None) -> dict[str, dict[int, float]]:
    """By corruption and strength the accuracy, with that on clean images as strength 0; empty where not measured."""
    if not robustness:
        return {}
    clean = robustness.get("clean")
    found = {}
    for kind, by_strength in robustness.items():
        if isinstance(by_strength, Mapping):
            accuracies = {int(strength): value for strength, value in by_strength.items() if value is not None}
            found[kind] = ({} if clean is None else {0: clean}) | dict(sorted(accuracies.items()))
    return found


def robust_accuracy(robustness: Mapping[str, Any] | None, kind: str = "") -> float | None:
    """The mean over the strengths of one corruption, or of all, clean images apart; None where it was not measured."""
    values = [
        value
        for name, by_strength in corruptions(robustness).items()
        for strength, value in by_strength.items()
        if strength and kind in ("", name)
    ]
    return sum(values) / len(values) if values else None
