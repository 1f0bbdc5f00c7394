"""One case: everybody prepares, then all are measured in turn."""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from simam_jax.benchmarking.contestant import Contestant, ContestantError
from simam_jax.benchmarking.interleave import interleave
from simam_jax.benchmarking.plan import Budget, Plan
from simam_jax.profiling.timing import spread

_log = logging.getLogger(__name__)

_LIMIT = "limit"


class Outcome(NamedTuple):
    """What a case came to.

    Attributes:
        samples: seconds a run, by contestant; only of those that came to the end.
        limit: seconds that the limit's work of one run takes, likewise; empty where none was measured.
        facts: what each said when it was ready.
    """

    samples: dict[str, list[float]]
    limit: list[float]
    facts: dict[str, dict[str, Any]]


def compete(
    title: str,
    spec: Mapping[str, Any],
    contestants: Sequence[Contestant],
    *,
    plan: Plan,
    budget: Budget,
    limit: tuple[Contestant, Mapping[str, Any]] | None = None,
) -> Outcome:
    """Measures the contestants in one case.

    Who fails is said in a line of the log and is not in the outcome.

    Args:
        title: the case, for that line.
        spec: the job, the same for all but for each contestant's own options.
        contestants: in the order of a round.
        plan: rounds and seconds.
        budget: time; when it is spent, no further round begins.
        limit: who measures the limit, and the job for that, between the others and so under the same load. Its fact
            "work" stands against the contestants' "work".
    """

    def failed(who: str, error: ContestantError) -> None:
        _log.warning("left out: %s: %s: %s", title, who, error)

    start = time.monotonic()
    facts: dict[str, dict[str, Any]] = {}

    def prepare(lane: Sequence[Contestant]) -> None:
        for each in lane:
            try:
                facts[each.who] = each.prepare(spec, timeout=budget.timeout)
            except ContestantError as error:
                failed(each.who, error)

    families = sorted({each.family for each in contestants})
    with ThreadPoolExecutor(plan.lanes) as pool:
        list(pool.map(prepare, [[each for each in contestants if each.family == family] for family in families]))
    ready = {each.who: each for each in contestants if each.who in facts}
    if limit is not None and ready:
        try:
            facts[_LIMIT] = limit[0].prepare(limit[1], timeout=budget.timeout)
            ready[_LIMIT] = limit[0]
        except ContestantError as error:
            failed(_LIMIT, error)
    prepared = time.monotonic()

    def measure(who: str, iterations: int) -> float:
        return ready[who].run(iterations, timeout=budget.timeout)["seconds"]

    found = interleave(
        {who: lambda iterations, who=who: measure(who, iterations) for who in ready},
        rounds=plan.rounds,
        seconds=plan.seconds,
        deadline=budget.deadline,
        failed=failed,
    )
    reference = found.pop(_LIMIT, [])
    work = next((facts[who]["work"] for who in found if "work" in facts[who]), None)
    work_of_limit = facts.get(_LIMIT, {}).get("work")
    share = work / work_of_limit if work and work_of_limit else 0
    medians = ", ".join(f"{who} {spread(values).median * 1e3:.4g} ms" for who, values in found.items())
    if reference and work_of_limit:
        medians += f"; limit at {work_of_limit / spread(reference).median / 1e9:.4g} G/s"
    _log.info("%s: %s (ready in %.0f s, measured in %.0f s)", title, medians or "nobody came to the end",
              prepared - start, time.monotonic() - prepared)  # fmt: skip
    return Outcome(found, [seconds * share for seconds in reference] if share else [], facts)
