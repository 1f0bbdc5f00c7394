"""Which epoch a run calls its best, and on which images it was chosen: read from its metrics."""

from pathlib import Path
from typing import NamedTuple

from simam_jax.training.summaries import read_metrics


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


def best_epoch(run: Path, metric: str) -> Epoch | None:
    """The epoch of the best checkpoint: the first with the highest metric, on val where there is one, else on eval."""
    lines = read_metrics(run)
    split = "val" if any("val/loss" in line for line in lines) else "eval"
    candidates = [line for line in lines if line.get(f"{split}/{metric}") is not None]
    best = max(candidates, key=lambda line: line[f"{split}/{metric}"], default=None)
    return None if best is None else _epoch(best)


def last_epoch(run: Path) -> Epoch | None:
    """The epoch that was evaluated last."""
    ended = [line for line in read_metrics(run) if "eval/loss" in line or "val/loss" in line]
    if not ended:
        return None
    of_step = [line for line in ended if line["step"] == ended[-1]["step"]]
    return _epoch({key: value for line in of_step for key, value in line.items()})


def _epoch(line: dict) -> Epoch:
    return Epoch(line["epoch"], line["step"], line.get("val/accuracy"))
