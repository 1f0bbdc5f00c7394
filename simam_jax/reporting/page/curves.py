"""A metric over the epochs, of several seeds together."""

from collections.abc import Sequence
from typing import NamedTuple

from simam_jax.reporting.page.run_files import RunFiles


class Curve(NamedTuple):
    """At each epoch the mean over the runs, and the lowest and the highest of them."""

    epochs: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]


def curve(runs: Sequence[RunFiles], name: str) -> Curve | None:
    """A metric, such as "train/loss", at those epochs for which all runs have it; None where there are none."""
    each = [run.by_epoch(name) for run in runs]
    epochs = sorted(set.intersection(*map(set, each))) if each else []
    if not epochs:
        return None
    values = [[found[epoch] for found in each] for epoch in epochs]
    return Curve(epochs, [sum(at) / len(at) for at in values], [min(at) for at in values], [max(at) for at in values])
