"""SimAM alone, forward or forward and backward."""

from typing import Any

import jax

from simam_jax.benchmarking.jobs.job import Job, Spec
from simam_jax.ops.implementation import implementation
from simam_jax.ops.simam import simam


def attention_job(spec: Spec) -> Job:
    """SimAM on normal numbers; takes "shape" (NHWC), "dtype", "backward" and "implementation".

    With "backward" a run gives the output and the gradient of the input for a given gradient of the output. "work" is
    what must move at least, in bytes: the input and the output, and their gradients.
    """
    keys = jax.random.split(jax.random.key(0))
    x, dy = (jax.random.normal(key, spec["shape"], spec["dtype"]) for key in keys)

    def both(x: jax.Array, dy: jax.Array) -> tuple[jax.Array, jax.Array]:
        y, pull = jax.vjp(simam, x)
        return y, pull(dy)[0]

    arguments: tuple[jax.Array, ...] = (x, dy) if spec["backward"] else (x,)
    with implementation(spec["implementation"]):
        compiled: Any = jax.jit(both if spec["backward"] else simam).lower(*arguments).compile()
    jax.block_until_ready(compiled(*arguments))
    # A CPU has nothing to gain from a queue, and would hold many outputs at once.
    wait_each = jax.default_backend() == "cpu"

    def run(iterations: int) -> None:
        result = None
        for _ in range(iterations):
            result = compiled(*arguments)
            if wait_each:
                jax.block_until_ready(result)
        jax.block_until_ready(result)

    return Job(run, {"work": len(arguments) * 2 * x.nbytes})
