"""What a run's folder says of its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError
from simam_jax.reporting.json_file import read_object
from simam_jax.reporting.metrics_file import by_epoch, read_metrics


@dataclass(frozen=True)
class RunFiles:
    """A run.

    Attributes:
        path: its folder.
        config: every field, by section.
        facts: run.json's.
        lines: those of metrics.jsonl, in order.
    """

    path: Path
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]

    @property
    def classes(self) -> Sequence[str]:
        """In label order."""
        return self.facts["classes"]

    @property
    def selection(self) -> str:
        """The split on which the best epoch is chosen, "val" or "eval"."""
        return "val" if self.config.get("data", {}).get("val_fraction", 0) else "eval"

    def by_epoch(self, name: str) -> dict[int, float]:
        """A metric such as "train/loss" at each epoch's end; see `simam_jax.reporting.metrics_file.by_epoch`."""
        return by_epoch(self.lines, name)


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / "config.json").is_file() and (folder / "run.json").is_file()


def read_run(folder: Path) -> RunFiles:
    """Reads a run, also one that is not finished: a last line that is cut off does not count.

    Raises:
        UsageError: a file is missing or damaged.
    """
    config, facts = read_object(folder / "config.json"), read_object(folder / "run.json")
    classes = facts.get("classes")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise UsageError(f"{folder / 'run.json'} is damaged: it has no list of classes")
    return RunFiles(folder, config, facts, read_metrics(folder))
