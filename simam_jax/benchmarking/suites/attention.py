"""SimAM alone."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

from simam_jax.benchmarking.competition import compete
from simam_jax.benchmarking.field import Field
from simam_jax.benchmarking.plan import Budget, Plan
from simam_jax.benchmarking.rows import Row, make_rows
from simam_jax.profiling.timing import spread

_log = logging.getLogger(__name__)

COPY_LIMIT = "limit: copy"

_SHAPES = ((32, 56, 56, 64), (32, 14, 14, 1024))
# Of more bytes than a GPU's caches hold, and of more time than a call takes.
_SHAPES_OF_A_GPU = ((256, 56, 56, 64), (256, 14, 14, 1024))
_ITEM_BYTES = {"float32": 4, "bfloat16": 2}


class AttentionCase(NamedTuple):
    """SimAM on an array of a shape, NHWC."""

    shape: tuple[int, int, int, int]
    dtype: str
    backward: bool

    @property
    def name(self) -> str:
        """As in the results."""
        return f"{'×'.join(map(str, self.shape))} {'forward+backward' if self.backward else 'forward'}"

    @property
    def bytes(self) -> int:
        """Of the input."""
        n, h, w, c = self.shape
        return n * h * w * c * _ITEM_BYTES[self.dtype]


def attention_cases(plan: Plan) -> list[AttentionCase]:
    """The cases; a GPU has larger ones, 16-bit ones first."""
    if plan.small:
        shapes, dtypes = ((2, 14, 14, 32),), ("float32",)
    elif plan.gpu:
        shapes, dtypes = _SHAPES_OF_A_GPU, ("bfloat16", "float32")
    else:
        shapes, dtypes = _SHAPES, ("float32", "bfloat16")
    return [AttentionCase(s, dtype, backward) for dtype in dtypes for s in shapes for backward in (False, True)]


def measure_attention(field: Field, plan: Plan, budget: Budget) -> Iterator[list[Row]]:
    """The rows of every case that there is time for."""
    contestants = field.measured(plan)
    for case in attention_cases(plan):
        title = f"attention: {case.name} {case.dtype}"
        if not budget.begin_case():
            _log.warning("left out for want of time: %s", title)
            continue
        outcome = compete(
            title,
            {"job": "attention", "shape": case.shape, "dtype": case.dtype, "backward": case.backward},
            contestants,
            plan=plan,
            budget=budget,
            limit=(field.referee, {"job": "copy", "bytes": case.bytes}),
        )
        layouts = {who: facts["layout"] for who, facts in outcome.facts.items() if "layout" in facts}
        if layouts:
            _log.info("%s: fastest layouts: %s", title, ", ".join(f"{who} {each}" for who, each in layouts.items()))
        samples = {**outcome.samples, COPY_LIMIT: outcome.limit}
        least = spread(outcome.limit).median if outcome.limit else None
        yield make_rows("attention", case.name, case.dtype, samples, limit=least)
