"""What a run's folder says of its training."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError
from simam_jax.reporting.page.json_file import read_object


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
        """A metric such as "train/loss" at each epoch's end, from 0; where it is not finite, the epoch is left out.

        An epoch of several lines has their mean, each counting as many times as it has steps.
        """
        sums: dict[int, tuple[float, int]] = {}
        before = 0
        for line in self.lines:
            if name not in line:
                continue
            steps, before = max(1, line["step"] - before), line["step"]
            value = math.nan if line[name] is None else line[name]
            total, weight = sums.get(line["epoch"], (0.0, 0))
            sums[line["epoch"]] = (total + steps * value, weight + steps)
        means = {epoch: total / weight for epoch, (total, weight) in sums.items()}
        return {epoch: mean for epoch, mean in means.items() if math.isfinite(mean)}


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
    return RunFiles(folder, config, facts, _read_lines(folder / "metrics.jsonl"))


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    whole = text[: text.rfind("\n") + 1]
    lines = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            found = json.loads(line)
            lines.append({**found, "step": int(found["step"]), "epoch": int(found["epoch"])})
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} is damaged at line {number}: {error}") from error
    return lines
