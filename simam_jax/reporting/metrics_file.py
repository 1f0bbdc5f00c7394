"""The lines of a run's metrics.jsonl."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError

FILE_NAME = "metrics.jsonl"


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """The lines of a run, in order; none where it has not begun. A last line that was cut short is left out.

    Raises:
        UsageError: the file cannot be read, or another line is damaged.
    """
    path = run / FILE_NAME
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


def by_epoch(lines: Sequence[Mapping[str, Any]], name: str) -> dict[int, float]:
    """A metric such as "train/loss" at each epoch's end, from 0; where it is not finite, the epoch is left out.

    An epoch of several lines has their mean, each counting as many times as it has steps.
    """
    sums: dict[int, tuple[float, int]] = {}
    before = 0
    for line in lines:
        if name not in line:
            continue
        steps, before = max(1, line["step"] - before), line["step"]
        value = math.nan if line[name] is None else line[name]
        total, weight = sums.get(line["epoch"], (0.0, 0))
        sums[line["epoch"]] = (total + steps * value, weight + steps)
    means = {epoch: total / weight for epoch, (total, weight) in sums.items()}
    return {epoch: mean for epoch, mean in means.items() if math.isfinite(mean)}
