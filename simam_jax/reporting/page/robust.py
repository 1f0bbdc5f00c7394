"""Accuracy on worsened images."""

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


def robust_accuracy(robustness: Mapping[str, Any] | None) -> float | None:
    """The mean over all corruptions and strengths, clean images apart; None where it was not measured."""
    values = [value for kind in corruptions(robustness).values() for strength, value in kind.items() if strength]
    return sum(values) / len(values) if values else None
