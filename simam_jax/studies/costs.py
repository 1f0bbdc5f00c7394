"""What a variant costs to train and to ask, measured in a process of its own.

    python -m simam_jax.studies.costs SPEC FILE

SPEC is a JSON object: what `simam_jax.benchmarking.jobs.step.memory_job` takes, and "eval_batch". FILE gets
{"train_ms_per_image", "inference_ms_per_image", "peak_bytes", "memory", "device"}.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simam_jax import command

_ROUNDS, _SECONDS_A_ROUND = 5, 0.4


def measure_costs(spec: dict[str, Any]) -> dict[str, Any]:
    """Times steps and answers on one device, and takes the memory of a step.

    A step is that of the benchmark: forward, cross-entropy, backward, momentum, L2, on normalised images in memory; it
    neither augments nor cuts a batch into parts.

    Returns:
        "train_ms_per_image", "inference_ms_per_image": medians of five rounds; "peak_bytes" and "memory", of
        `memory_of_step`; and "device".
    """
    import jax
    import jax.numpy as jnp

    from simam_jax.benchmarking.jobs.step import memory_job
    from simam_jax.models.registry import create_model
    from simam_jax.ops.implementation import implementation
    from simam_jax.profiling.train_step import initial_variables, random_batch

    job = memory_job(spec)
    train = _milliseconds(job.run) / spec["batch"]
    model = create_model(
        spec["network"],
        num_classes=spec["classes"],
        attention=spec["attention"],
        placement=spec["placement"],
        dtype=spec["dtype"],
    )
    variables = initial_variables(model, spec["image_size"])
    images = jnp.asarray(random_batch(spec["eval_batch"], spec["image_size"], spec["classes"])[0])
    with implementation(spec["implementation"]):
        answer = jax.jit(lambda variables, images: model.apply(variables, images, train=False))
        answer = answer.lower(variables, images).compile()

    def ask(times: int) -> None:
        logits = None
        for _ in range(times):
            logits = answer(variables, images)
        jax.block_until_ready(logits)

    return {
        "train_ms_per_image": train,
        "inference_ms_per_image": _milliseconds(ask) / spec["eval_batch"],
        **memory_of_step(job.facts, counted=bool(jax.local_devices()[0].memory_stats())),
        "device": jax.devices()[0].device_kind,
    }


def memory_of_step(facts: Mapping[str, Any], *, counted: bool) -> dict[str, Any]:
    """What a step takes: as the device's allocator counted, or else as the compiler planned it.

    A CPU has no such allocator, and its process's resident memory differs from one measurement to the next by more than
    an attention takes; it counts only where the compiler does not say.

    Args:
        facts: of `simam_jax.benchmarking.jobs.step.memory_job`.
        counted: whether the device has an allocator that counts.

    Returns:
        "peak_bytes", and as "memory" who says so: "allocator", "compiler" or "process".
    """
    planned = facts["compiled_bytes"]
    if counted or planned is None:
        return {"peak_bytes": facts["bytes"], "memory": "allocator" if counted else "process"}
    return {"peak_bytes": planned, "memory": "compiler"}


def _milliseconds(run: Callable[[int], Any]) -> float:
    """Of one run of `run(times)`, the median of several rounds."""
    from simam_jax.profiling.timing import iterations_for, spread

    def timed(times: int) -> float:
        start = time.perf_counter()
        run(times)
        return (time.perf_counter() - start) / times

    timed(1)
    times = iterations_for(timed(1), _SECONDS_A_ROUND)
    return 1e3 * spread([timed(times) for _ in range(_ROUNDS)]).median


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program."""
    spec, path = sys.argv[1:] if argv is None else argv
    from simam_jax.host_memory import keep_one_step_s_memory
    from simam_jax.reporting.whole_files import write_whole

    keep_one_step_s_memory()
    file = Path(path)
    write_whole(file.parent, {file.name: json.dumps(measure_costs(json.loads(spec)), indent=2) + "\n"})
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main))
