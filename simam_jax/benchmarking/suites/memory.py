"""The most memory that training steps take, each contestant in a process that has done nothing else."""

import logging
from collections.abc import Iterator

from simam_jax.benchmarking.contestant import ContestantError
from simam_jax.benchmarking.field import Field
from simam_jax.benchmarking.plan import Budget, Plan
from simam_jax.benchmarking.rows import Row, make_rows
from simam_jax.benchmarking.suites.step import exchanged, step_cases

_log = logging.getLogger(__name__)

COMPILED = "ours, as compiled"


def measure_memory(field: Field, plan: Plan, budget: Budget) -> Iterator[list[Row]]:
    """Bytes above what the process took before the network was made: weights, their momentum, batch and activations.

    On a CPU they are resident pages, so what a compiler keeps counts too; on a GPU, what the framework's allocator gave
    out. `COMPILED` is what XLA says that the compiled step of ours needs.
    """
    for case in step_cases(plan, attentions=("simam",)):
        title = f"memory: {case.name} {case.dtype}"
        if not budget.begin_case(case.network):
            _log.warning("left out for want of time: %s", title)
            continue
        samples: dict[str, list[float]] = {}
        with exchanged(field, case, budget) as exchange:
            if exchange is None:
                continue
            for contestant in field.all:
                contestant.stop()
                try:
                    facts = contestant.prepare(case.spec("memory", exchange), timeout=budget.timeout)
                except ContestantError as error:
                    _log.warning("left out: %s: %s: %s", title, contestant.who, error)
                    continue
                finally:
                    contestant.stop()
                samples[contestant.who] = [float(facts["bytes"])]
                if contestant is field.ours and facts.get("compiled_bytes"):
                    samples[COMPILED] = [float(facts["compiled_bytes"])]
        _log.info("%s: %s", title, ", ".join(f"{who} {each[0] / 2**20:.0f} MiB" for who, each in samples.items()))
        yield make_rows("memory", case.name, case.dtype, samples, unit="bytes")
