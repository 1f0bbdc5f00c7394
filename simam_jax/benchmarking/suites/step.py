"""Training steps of whole networks, plain and with SimAM."""

import contextlib
import logging
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simam_jax.benchmarking.competition import compete
from simam_jax.benchmarking.contestant import ContestantError
from simam_jax.benchmarking.field import Field
from simam_jax.benchmarking.plan import Budget, Plan
from simam_jax.benchmarking.rows import OURS, Row, make_rows
from simam_jax.profiling.timing import spread

_log = logging.getLogger(__name__)

MATMUL_LIMIT = "limit: matmul"

# Networks with dropout are left out: what is dropped differs from framework to framework, and so do the losses.
_NETWORKS = {"towernet": 16, "resnet50": 1000, "cifar_resnet20": 10}
_SIZES = {
    "cpu": {"towernet": (256, 32), "resnet50": (224, 16), "cifar_resnet20": (32, 128)},
    "gpu": {"towernet": (256, 128), "resnet50": (224, 128), "cifar_resnet20": (32, 128)},
    "small": {"cifar_resnet20": (32, 8), "towernet": (128, 4), "resnet50": (64, 8)},
}
# Five steps on the same weights and images differ by rounding only. bfloat16 has 8 bits, and rounds in other places.
_TOLERANCES = {"float32": 1e-3, "bfloat16": 5e-2}


@dataclass(frozen=True)
class StepCase:
    """A network on images of a size, in batches of a size."""

    network: str
    attention: str
    dtype: str
    image_size: int
    batch: int

    @property
    def name(self) -> str:
        """As in the results; the attention is the last word."""
        return f"{self.network} {self.image_size}² b{self.batch} {self.attention}"

    def spec(self, job: str, exchange: Path) -> dict[str, Any]:
        """A job on it, with the file for weights and batch."""
        return {
            "job": job,
            "network": self.network,
            "attention": self.attention,
            "dtype": self.dtype,
            "image_size": self.image_size,
            "batch": self.batch,
            "classes": _NETWORKS[self.network],
            "exchange": str(exchange),
        }


def step_cases(plan: Plan, *, attentions: Sequence[str] = ("simam", "none")) -> list[StepCase]:
    """The cases, the most telling first: a GPU is bought for its bfloat16; small ones the quickest first."""
    sizes = _SIZES["small" if plan.small else "gpu" if plan.gpu else "cpu"]
    dtypes = ("bfloat16", "float32") if plan.gpu else ("float32", "bfloat16")
    quick = {"cifar_resnet20"} & sizes.keys() if not plan.small else set()
    return [
        StepCase(network, attention, dtype, *sizes[network])
        for networks in (sizes.keys() - quick, quick)
        for dtype in dtypes
        for network in sizes
        if network in networks
        for attention in attentions
    ]


def measure_steps(field: Field, plan: Plan, budget: Budget) -> Iterator[list[Row]]:
    """The rows of every case that there is time for."""
    contestants = field.measured(plan)
    matmul = {"gpu": 8192, "cpu": 2048}["gpu" if plan.gpu else "cpu"] if not plan.small else 512
    for case in step_cases(plan):
        title = f"step: {case.name} {case.dtype}"
        if not budget.begin_case(case.network):
            _log.warning("left out for want of time: %s", title)
            continue
        with exchanged(field, case, budget) as exchange:
            if exchange is None:
                continue
            outcome = compete(
                title,
                case.spec("step", exchange),
                contestants,
                plan=plan,
                budget=budget,
                limit=(field.referee, {"job": "matmul", "dtype": case.dtype, "size": matmul}),
            )
        differences = loss_differences(outcome.facts)
        tell_differences(title, differences, _TOLERANCES[case.dtype])
        samples = {**outcome.samples, MATMUL_LIMIT: outcome.limit}
        least = spread(outcome.limit).median if outcome.limit else None
        rows = make_rows("step", case.name, case.dtype, samples, limit=least)
        yield [replace(row, loss_difference=differences.get(row.who)) for row in rows]


@contextlib.contextmanager
def exchanged(field: Field, case: StepCase, budget: Budget) -> Iterator[Path | None]:
    """Within the block, a file with the weights and the batch that a case begins with; None where that fails."""
    with tempfile.TemporaryDirectory(prefix="simam_jax-") as folder:
        path = Path(folder) / "exchange.npz"
        try:
            field.referee.prepare(case.spec("weights", path), timeout=budget.timeout)
        except ContestantError as error:
            _log.warning("left out: %s: no weights: %s", case.name, error)
            yield None
        else:
            yield path


def loss_differences(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The largest difference of each contestant's first losses from ours, relative where ours is above 1.

    Infinite where a loss is not finite.
    """
    ours = facts.get(OURS, {}).get("losses")
    if not ours:
        return {}

    def difference(losses: Sequence[float]) -> float:
        each = [abs(a - b) / max(abs(b), 1.0) for a, b in zip(losses, ours, strict=True)]
        return max(each) if all(map(math.isfinite, each)) else math.inf

    return {who: difference(each["losses"]) for who, each in facts.items() if who != OURS and "losses" in each}


def tell_differences(title: str, differences: Mapping[str, float], tolerance: float) -> None:
    """A line for every contestant whose losses are not ours."""
    for who, difference in differences.items():
        if difference > tolerance:
            _log.warning("warning: %s: losses of %s differ from ours by %.1e, more than %g", title, who, difference,
                         tolerance)  # fmt: skip
