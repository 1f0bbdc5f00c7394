"""What the machine can do at most: the rate of a large matrix product, and that of a copy."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

_TOTAL_COPY_BYTES = {"cpu": 256 * 2**20, "gpu": 2 * 2**30}
# What a thread copies in the time that waking it takes.
_ONE_THREAD_BYTES = 2**20


class Limit(NamedTuple):
    """Something to run, and how much of what it is bound by a run takes.

    Attributes:
        run: runs it that many times and waits for the end.
        work: of one run: floating-point operations, or bytes read and written.
    """

    run: Callable[[int], None]
    work: int


def matmul(dtype: DTypeLike, size: int) -> Limit:
    """A product of two size × size matrices of `dtype`, its sums in float32; 2 · size³ operations.

    On a GPU float32 is what XLA makes of it by default, TF32 where there is such a thing: so are the networks' layers.
    """
    keys = jax.random.split(jax.random.key(0))
    a, b = (jax.random.normal(key, (size, size), dtype) for key in keys)
    product = jax.jit(lambda a, b: jnp.matmul(a, b, preferred_element_type=jnp.float32).astype(dtype))
    return Limit(_repeat(product, a, b), 2 * size**3)


def copy(size: int = 0) -> Limit:
    """A copy of `size` bytes, which reads as many and writes as many; by default of more than the caches hold.

    On a CPU into memory that is there already, by a thread a core; elsewhere a negation, which reads and writes every
    element once and which no compiler leaves out.
    """
    platform = jax.default_backend()
    size = size or _TOTAL_COPY_BYTES.get(platform, _TOTAL_COPY_BYTES["gpu"])
    if platform == "cpu":
        return Limit(_copy_by_threads(size), 2 * size)
    x = jnp.ones(max(size // 4, 1), jnp.float32)
    return Limit(_repeat(jax.jit(jnp.negative), x), 2 * x.nbytes)


def _repeat(function: Callable, *args: jax.Array) -> Callable[[int], None]:
    jax.block_until_ready(function(*args))

    def run(iterations: int) -> None:
        result = None
        for _ in range(iterations):
            result = function(*args)
        jax.block_until_ready(result)

    return run


def _copy_by_threads(size: int) -> Callable[[int], None]:
    threads = len(os.sched_getaffinity(0)) if size > _ONE_THREAD_BYTES else 1
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    pairs = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    pool = ThreadPoolExecutor(threads)

    def run(iterations: int) -> None:
        for _ in range(iterations):
            if threads == 1:
                np.copyto(target, source)
                continue
            list(pool.map(lambda pair: np.copyto(*pair), pairs))

    run(1)
    return run
