"""From the start of a process to its first step, before and after there is a compilation cache."""

import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from simam_jax.benchmarking.contestant import ContestantError
from simam_jax.benchmarking.field import Field, jax_contestant
from simam_jax.benchmarking.plan import Budget, Plan
from simam_jax.benchmarking.rows import OURS, Row, make_rows
from simam_jax.benchmarking.suites.step import step_cases

_log = logging.getLogger(__name__)

FIRST, SECOND = "first start", "second start"


def measure_starts(field: Field, plan: Plan, budget: Budget) -> Iterator[list[Row]]:
    """Seconds until the first loss of ours is known: of a process that fills the cache, then of one that finds it."""
    for case in step_cases(plan, attentions=("simam",)):
        if case.dtype != "float32":
            continue
        title = f"start: {case.name}"
        if not budget.begin_case(case.network):
            _log.warning("left out for want of time: %s", title)
            continue
        samples: dict[str, list[float]] = {FIRST: [], SECOND: []}
        for _ in range(1 if plan.small or plan.gpu else 2):
            with tempfile.TemporaryDirectory(prefix="simam_jax-") as folder:
                for which in (FIRST, SECOND):
                    spec = case.spec("step", Path(folder))
                    try:
                        samples[which].append(_seconds_to_first_step(spec, folder, timeout=budget.timeout))
                    except ContestantError as error:
                        _log.warning("left out: %s, %s: %s", title, which, error)
        for which, values in samples.items():
            rows = make_rows("start", f"{case.name}, {which}", case.dtype, {OURS: values})
            if rows:
                _log.info("%s, %s: %.2f s", title, which, rows[0].median)
                yield rows


def _seconds_to_first_step(spec: dict, cache: str, *, timeout: float) -> float:
    start = time.time()
    with jax_contestant(OURS, environment={"JAX_COMPILATION_CACHE_DIR": cache}) as contestant:
        return contestant.prepare(spec, timeout=timeout)["first_step_at"] - start
