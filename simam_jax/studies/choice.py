"""Which options of an attention, such as SimAM's λ, validation images speak for."""

from collections.abc import Sequence
from typing import Any


def choose_options(variants: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of variants that differ in the options of one attention alone, the one with the best mean val accuracy.

    The evaluation images have no say in it, so its accuracy on them is what was promised, to chance.

    Args:
        variants: as results.json has them.

    Returns:
        A {"network", "attention", "among", "left_out", "seeds", "val_accuracy", "accuracy"} for each such family; none
        without validation, or without a finished trial. "left_out" are those without one. Accuracies are means over the
        "seeds", of the best epochs, the second on eval: only seeds count that all the others have.
    """
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for variant in variants:
        families.setdefault((variant["network"], variant["attention"].partition(":")[0]), []).append(variant)
    return [found for family in families.values() if len(family) > 1 and (found := _choose(family))]


def _choose(family: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    every = {
        each["attention"]: {trial["seed"]: trial["best"] for trial in each["trials"] if trial["state"] == "done"}
        for each in family
    }
    done = {attention: trials for attention, trials in every.items() if trials}
    seeds = set.intersection(*map(set, done.values())) if done else set()
    if not seeds or any(trials[seed]["val_accuracy"] is None for trials in done.values() for seed in seeds):
        return None

    def mean(attention: str, score: str) -> float:
        return sum(done[attention][seed][score] for seed in seeds) / len(seeds)

    chosen = max(done, key=lambda attention: mean(attention, "val_accuracy"))
    return {
        "network": family[0]["network"],
        "attention": chosen,
        "among": list(done),
        "left_out": [attention for attention in every if attention not in done],
        "seeds": sorted(seeds),
        "val_accuracy": mean(chosen, "val_accuracy"),
        "accuracy": mean(chosen, "accuracy"),
    }
