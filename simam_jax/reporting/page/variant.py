"""A network with an attention, and the trials that were made of it: what most of the page is drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.page.answers_file import read_answers
from simam_jax.reporting.page.palette import BASELINE
from simam_jax.reporting.page.run_files import RunFiles

# As results call an epoch, and the folder of its answers.
CHECKPOINTS = {"best": "best", "last": "latest"}


@dataclass(frozen=True)
class Trial:
    """A training run of a variant.

    Attributes:
        seed: its own.
        run: its files; None where they are gone.
        state: "done", "missing", "diverged", …
        scores: "best" and "last" → what was measured there, by name.
        robustness: the accuracy of the best epoch on clean images, and by corruption and strength; None where it was
            not measured.
    """

    seed: int
    run: RunFiles | None
    state: str
    scores: Mapping[str, Mapping[str, float]]
    robustness: Mapping[str, Any] | None = None

    @cached_property
    def answers(self) -> Evaluation | None:
        """On the evaluation images, at the best epoch; None where they were not kept."""
        return None if self.run is None else read_answers(self.run.path, CHECKPOINTS["best"], self.run.classes)


@dataclass(frozen=True)
class Variant:
    """A network with an attention.

    Attributes:
        network, attention: its names; the attention is a spec.
        style: of its lines.
        trials: one a seed.
        figures: what it costs, by name, and the change of its training loss at the end.
        comparison: "best", "last" and "robustness" → against none; empty where there is nothing to compare.
    """

    network: str
    attention: str
    style: int
    trials: Sequence[Trial]
    figures: Mapping[str, float] = field(default_factory=dict)
    comparison: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_baseline(self) -> bool:
        """Whether it has no attention."""
        return self.attention == BASELINE

    @property
    def done(self) -> list[Trial]:
        """The trials that came to their end."""
        return [trial for trial in self.trials if trial.state == "done"]

    @property
    def runs(self) -> list[RunFiles]:
        """Of those."""
        return [trial.run for trial in self.done if trial.run is not None]

    @property
    def answers(self) -> list[Evaluation]:
        """Of those that kept them."""
        return [trial.answers for trial in self.done if trial.answers is not None]

    def scores(self, checkpoint: str, name: str) -> list[float]:
        """A score of every trial that has it, at the "best" or the "last" epoch."""
        found = [trial.scores.get(checkpoint, {}).get(name) for trial in self.done]
        return [value for value in found if value is not None]


def by_network(variants: Sequence[Variant]) -> dict[str, list[Variant]]:
    """The variants of each network, in order."""
    found: dict[str, list[Variant]] = {}
    for variant in variants:
        found.setdefault(variant.network, []).append(variant)
    return found
