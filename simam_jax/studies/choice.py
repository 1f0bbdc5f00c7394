"""Which options of an attention, such as SimAM's λ, validation images speak for."""

from collections.abc import Sequence
from typing import Any


def choose_options(variants: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of variants that differ in the options of one attention alone, the one with the best mean val accuracy.

    The evaluation images have no say in it, so its accuracy on them is what was promised, to chance.

    Args:
        variants: as results.json has them.

    Returns:
        A {"network", "attention", "among", "val_accuracy", "accuracy"} for each such family; none without validation.
        Accuracies are means over seeds, of the best epochs, the second on eval. Only seeds count that all of the family
        have.
    """
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for variant in variants:
        families.setdefault((variant["network"], variant["attention"].partition(":")[0]), []).append(variant)
    return [found for family in families.values() if len(family) > 1 and (found := _choose(family))]


def _choose(family: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    done = [{trial["seed"]: trial["best"] for trial in each["trials"] if trial["state"] == "done"} for each in family]
    seeds = set.intersection(*map(set, done))
    if not seeds or any(each[seed]["val_accuracy"] is None for each in done for seed in seeds):
        return None
    val = [sum(each[seed]["val_accuracy"] for seed in seeds) / len(seeds) for each in done]
    place = max(range(len(family)), key=val.__getitem__)
    return {
        "network": family[place]["network"],
        "attention": family[place]["attention"],
        "among": [each["attention"] for each in family],
        "val_accuracy": val[place],
        "accuracy": sum(done[place][seed]["accuracy"] for seed in seeds) / len(seeds),
    }
