"""A contestant's side of the wire: does as the lines on standard input say, until there are no more.

    python -m simam_jax.benchmarking.serve [--keep-memory]

A JSON object a line. It begins by saying {"ready": facts of the process}. {"prepare": SPEC} makes a job ready and is
answered {"ready": its facts}; {"run": N} runs it N times, answered {"seconds": S} and what else the job says. What
fails is answered {"error": "…"}.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import flax
import jax

from simam_jax.benchmarking.jobs.job import Job, Spec
from simam_jax.host_memory import keep_one_step_s_memory

# Imported when asked for: the input job needs libraries that the others do not.
_KINDS = {
    "step": "simam_jax.benchmarking.jobs.step:step_job",
    "memory": "simam_jax.benchmarking.jobs.step:memory_job",
    "weights": "simam_jax.benchmarking.jobs.step:weights_job",
    "attention": "simam_jax.benchmarking.jobs.attention:attention_job",
    "matmul": "simam_jax.benchmarking.jobs.limit:matmul_job",
    "copy": "simam_jax.benchmarking.jobs.limit:copy_job",
    "decode": "simam_jax.benchmarking.jobs.input:decode_job",
    "waiting": "simam_jax.benchmarking.jobs.input:waiting_job",
}


def serve(lines: Iterable[str], answers: io.TextIOBase) -> None:
    """Answers every line of `lines` with a line of `answers`."""
    _say(answers, {"ready": _facts()})
    job: Job | None = None
    for line in lines:
        asked = json.loads(line)
        try:
            if "prepare" in asked:
                job = None  # its memory goes before the next one's is taken
                gc.collect()
                job = _prepare(asked["prepare"])
                _say(answers, {"ready": job.facts})
            else:
                assert job is not None, "run before prepare"
                start = time.perf_counter()
                more = job.run(asked["run"]) or {}
                _say(answers, {"seconds": time.perf_counter() - start, **more})
        except Exception as error:
            _say(answers, {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"})


def _prepare(spec: Spec) -> Job:
    module, _, name = _KINDS[spec["job"]].partition(":")
    return getattr(importlib.import_module(module), name)(spec)


def _facts() -> dict[str, Any]:
    device = jax.devices()[0]
    return {
        "platform": jax.default_backend(),
        "device_kind": device.device_kind,
        "device_count": jax.device_count(),
        "versions": {"jax": jax.__version__, "flax": flax.__version__},
    }


def _say(answers: io.TextIOBase, answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    # What libraries print must not come between the answers.
    wire = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if "--keep-memory" in sys.argv[1:]:
        keep_one_step_s_memory()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin, wire)
