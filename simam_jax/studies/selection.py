"""Which epoch a run calls its best, and on which images it was chosen: read from its metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simam_jax.reporting.metrics_file import read_metrics


class Epoch(NamedTuple):
    """The end of an epoch.

    Attributes:
        epoch: from 0.
        step: updates done.
        val_accuracy: on the validation images; None where there are none.
    """

    epoch: int
    step: int
    val_accuracy: float | None


class Selected(NamedTuple):
    """What a run's metrics say of its epochs.

    Attributes:
        best: the first with the highest metric, on val where there is one, else on eval; None before the first.
        last: the one that was evaluated last; likewise.
        split: "val" or "eval": on which the best was chosen.
    """

    best: Epoch | None
    last: Epoch | None
    split: str


def select(run: Path, metric: str) -> Selected:
    """Reads a run's best and last epoch.

    Args:
        run: its folder.
        metric: by which the best is chosen.

    Raises:
        UsageError: its metrics are damaged.
    """
    lines = read_metrics(run)
    split = "val" if any("val/loss" in line for line in lines) else "eval"
    name = f"{split}/{metric}"
    best = max((line for line in lines if line.get(name) is not None), key=lambda line: line[name], default=None)
    return Selected(None if best is None else _epoch(best), _last(lines), split)


def _last(lines: Sequence[Mapping[str, Any]]) -> Epoch | None:
    ended = [line for line in lines if "eval/loss" in line or "val/loss" in line]
    if not ended:
        return None
    of_step = [line for line in ended if line["step"] == ended[-1]["step"]]
    return _epoch({key: value for line in of_step for key, value in line.items()})


def _epoch(line: Mapping[str, Any]) -> Epoch:
    return Epoch(line["epoch"], line["step"], line.get("val/accuracy"))
