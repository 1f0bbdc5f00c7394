"""The results: a row for every contestant of every case."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simam_jax.profiling.timing import spread

OURS = "ours"


@dataclass(frozen=True)
class Row:
    """What one contestant came to in one case.

    Attributes:
        suite, case, who, dtype: what was measured.
        samples: seconds, or bytes where `unit` is "bytes"; at least one.
        ratio_to_ours: its median over that of ours; above 1 is slower, or larger, than ours.
        limit_fraction: the least time that the machine's limit allows over its median.
        unit: "seconds" or "bytes".
        loss_difference: of training steps, the largest difference of its first five losses from ours.
    """

    suite: str
    case: str
    who: str
    dtype: str
    samples: tuple[float, ...]
    ratio_to_ours: float | None = None
    limit_fraction: float | None = None
    unit: str = "seconds"
    loss_difference: float | None = None

    @property
    def median(self) -> float:
        """The middle of the samples."""
        return spread(self.samples).median

    def as_json(self) -> dict[str, Any]:
        """The row of the result file; bytes stand in `median_bytes`, and the fields of seconds are then null."""
        found = spread(self.samples)
        seconds = self.unit == "seconds"
        row: dict[str, Any] = {
            "suite": self.suite,
            "case": self.case,
            "who": self.who,
            "dtype": self.dtype,
            "median_s": found.median if seconds else None,
            "min_s": found.least if seconds else None,
            "max_s": found.most if seconds else None,
            "n": found.n,
            "ratio_to_ours": self.ratio_to_ours,
            "limit_fraction": self.limit_fraction,
        }
        if not seconds:
            row["median_bytes"] = found.median
        if self.loss_difference is not None:
            row["loss_difference"] = self.loss_difference if math.isfinite(self.loss_difference) else None
        return row


def make_rows(
    suite: str,
    case: str,
    dtype: str,
    samples: Mapping[str, Sequence[float]],
    *,
    limit: float | None = None,
    unit: str = "seconds",
) -> list[Row]:
    """The rows of one case, in the order of `samples`.

    Args:
        suite, case, dtype: what was measured.
        samples: of every contestant that has some; those of `OURS` are what the others are compared with.
        limit: the least that the machine allows, in the samples' unit.
        unit: of the samples.
    """
    medians = {who: spread(values).median for who, values in samples.items() if values}
    ours = medians.get(OURS)
    return [
        Row(
            suite,
            case,
            who,
            dtype,
            tuple(samples[who]),
            ratio_to_ours=median / ours if ours else None,
            limit_fraction=limit / median if limit and median else None,
            unit=unit,
        )
        for who, median in medians.items()
    ]
