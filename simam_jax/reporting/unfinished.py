"""What a study still lacks."""

from collections.abc import Iterable, Mapping
from typing import Any


def not_done(trials: Iterable[tuple[int, str]]) -> list[str]:
    """Which of a variant's trials are not done, a line a state, such as "missing: seed 2, 3".

    Args:
        trials: seed and state of each.
    """
    seeds: dict[str, list[str]] = {}
    for seed, state in trials:
        if state != "done":
            seeds.setdefault(state, []).append(str(seed))
    return [f"{state}: seed {', '.join(each)}" for state, each in seeds.items()]


def goes_on(states: Iterable[str]) -> bool:
    """Whether there is more to come: a trial that is missing; one that diverged has come to its end."""
    return "missing" in states


def seeds_and_pairs(seeds: int, comparison: Mapping[str, Any] | None) -> str:
    """How many seeds a mean is over: "8", or "8, 6 paired" where the comparison beside it is over fewer.

    Args:
        seeds: of the mean.
        comparison: with the baseline, as results.json has it; None of the baseline itself.
    """
    pairs = len(comparison["seeds"]) if comparison else seeds
    return str(seeds) if pairs == seeds else f"{seeds}, {pairs} paired"
