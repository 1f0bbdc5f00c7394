"""A network with an attention, and the trials that were made of it: what most of the page is drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from simam_jax.reporting.answers_file import CHECKPOINTS, read_answers
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.headline import EPOCHS
from simam_jax.reporting.page.palette import BASELINE
from simam_jax.reporting.page.run_files import RunFiles


@dataclass(frozen=True)
class Trial:
    """A training run of a variant.

    Attributes:
        seed: its own.
        run: its files; None where they are gone.
        state: "done", "missing", "diverged", …
        scores: "best" and "last" → what was measured there, by name.
        shown: the epoch, "best" or "last", whose answers the page shows in detail.
        robustness: "best" and "last" → accuracy on clean images, and by corruption and strength; None where it was not
            measured.
    """

    seed: int
    run: RunFiles | None
    state: str
    scores: Mapping[str, Mapping[str, float]]
    shown: str = "best"
    robustness: Mapping[str, Any] | None = None

    @cached_property
    def answers(self) -> Evaluation | None:
        """On the evaluation images, at the epoch that is shown; None where none of them were kept."""
        found = None if self.run is None else read_answers(self.run.path, CHECKPOINTS[self.shown], self.run.classes)
        # An evaluation may be older than the best epoch.
        return found if found and found.step == self.scores.get(self.shown, {}).get("step") else None

    def robustness_at(self, epoch: str) -> Mapping[str, Any] | None:
        """At the "best" or the "last" epoch; None where it was not measured."""
        return (self.robustness or {}).get(epoch)


@dataclass(frozen=True)
class Variant:
    """A network with an attention.

    Attributes:
        network, attention: its names; the attention is a spec.
        style: of its lines.
        trials: one a seed.
        figures: what it costs, by name, and the change of its training loss at the end.
        device: on which its costs were measured; "" where they were not.
        memory: who says how much memory a step takes, see `costs_note`.
        comparison: "best" and "last" → against none, and "robustness" → the same by corruption; empty where there is
            nothing to compare.
    """

    network: str
    attention: str
    style: int
    trials: Sequence[Trial]
    figures: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    memory: str = ""
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
    def answers_by_seed(self) -> dict[int, Evaluation]:
        """Of those that kept them."""
        return {trial.seed: trial.answers for trial in self.done if trial.answers is not None}

    @property
    def answers(self) -> list[Evaluation]:
        """The same without the seeds."""
        return list(self.answers_by_seed.values())

    def scores(self, checkpoint: str, name: str) -> list[float]:
        """A score of every trial that has it, at the "best" or the "last" epoch."""
        found = [trial.scores.get(checkpoint, {}).get(name) for trial in self.done]
        return [value for value in found if value is not None]


def shown_epoch(variants: Sequence[Variant]) -> str:
    """What the epoch is called whose answers the page shows in detail."""
    trials = [trial for variant in variants for trial in variant.trials]
    return EPOCHS[trials[0].shown if trials else "best"]


def by_network(variants: Sequence[Variant]) -> dict[str, list[Variant]]:
    """The variants of each network, in order."""
    found: dict[str, list[Variant]] = {}
    for variant in variants:
        found.setdefault(variant.network, []).append(variant)
    return found
