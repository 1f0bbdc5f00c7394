"""The trials of a study: each is an ordinary run, whose folder says how far it has come."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simam_jax.reporting.metrics_file import read_metrics
from simam_jax.studies.study import Study

State = Literal["done", "missing", "diverged"]

_DIVERGED = "diverged.txt"


def divergence(run: Path) -> str | None:
    """Why a run diverged, where it is noted that it did."""
    path = run / _DIVERGED
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def record_divergence(run: Path, reason: str) -> None:
    """Notes of a run that it would diverge again."""
    (run / _DIVERGED).write_text(reason + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Variant:
    """A network with an attention.

    Attributes:
        network: its name.
        attention: a spec.
    """

    network: str
    attention: str

    @property
    def name(self) -> str:
        """Fit for a folder, such as towernet-simam-e_lambda=0.1."""
        return re.sub(r"[^\w.=+-]+", "-", f"{self.network}-{self.attention}")


@dataclass(frozen=True)
class Trial:
    """A variant and a seed, in a study's folder.

    Attributes:
        variant: what is trained.
        seed: of the run.
        study_folder: where the study lies.
    """

    variant: Variant
    seed: int
    study_folder: Path

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.variant.name}-seed{self.seed}"

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.study_folder / "trials" / self.name

    @property
    def has_saved(self) -> bool:
        """Whether it has a checkpoint."""
        return any(path.name.isdecimal() for path in (self.run / "checkpoints").glob("*"))

    def state(self, epochs: int) -> State:
        """How far it has come: "missing" where there is anything left to train."""
        if divergence(self.run) is not None:
            return "diverged"
        return "done" if is_done(self.run, epochs) else "missing"


def list_variants(study: Study) -> list[Variant]:
    """Every network with every attention, the attentions of a network together."""
    return [Variant(network, attention) for network in study.models for attention in study.attentions]


def list_trials(study: Study, folder: Path) -> list[Trial]:
    """All trials; those of a seed together, so that an unfinished study has pairs to compare."""
    return [
        Trial(variant, seed, folder)
        for network in study.models
        for seed in range(study.seeds)
        for variant in list_variants(study)
        if variant.network == network
    ]


def shared_overrides(study: Study) -> list[str]:
    """What all trials change of the config. Every run has a best epoch, however low."""
    words = ["--config.checkpoint.best_above=-1.0", *study.overrides]
    if study.data:
        words.append(f"--config.data.dir={study.data}")
    if study.epochs:
        words.append(f"--config.epochs={study.epochs}")
    return words


def trial_overrides(study: Study, trial: Trial) -> list[str]:
    """What a trial changes of the config."""
    return [
        *shared_overrides(study),
        f"--config.seed={trial.seed}",
        f"--config.model.name={trial.variant.network}",
        f"--config.model.attention={trial.variant.attention}",
    ]


def is_done(run: Path, epochs: int) -> bool:
    """Whether a run has trained all its epochs and evaluated the last; its checkpoint is saved before that line."""
    return any("eval/accuracy" in line and line["epoch"] == epochs - 1 for line in read_metrics(run))
