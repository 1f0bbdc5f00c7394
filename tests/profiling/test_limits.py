"""The machine's limits: what a run is counted as."""

import pytest

from simam_jax.profiling import limits


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_product_counts_two_operations_a_multiply_add(dtype):
    limit = limits.matmul(dtype, 16)
    limit.run(2)
    assert limit.work == 2 * 16**3


@pytest.mark.parametrize("size", [1000, 3 * 2**20])
def test_a_copy_reads_and_writes_every_byte(size):
    limit = limits.copy(size)
    limit.run(2)
    assert limit.work == 2 * size
