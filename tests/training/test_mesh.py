"""Batches and states on the tests' two devices."""

import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from simam_jax.errors import UsageError
from simam_jax.training.mesh import check_batch_size, create_mesh, on_mesh, to_devices


def test_a_batch_is_split_in_order():
    mesh = create_mesh()
    batch = to_devices(mesh, {"label": np.arange(6, dtype=np.int32)})["label"]
    assert [shard.data.tolist() for shard in batch.addressable_shards] == [[0, 1, 2], [3, 4, 5]]
    assert [shard.device for shard in batch.addressable_shards] == list(mesh.devices)


@pytest.mark.parametrize(
    ("shape", "spec"),
    [
        ((128, 256), PartitionSpec(None, "data")),
        ((256, 128), PartitionSpec("data", None)),
        ((128, 128), PartitionSpec(None, "data")),
        ((129, 256), PartitionSpec(None, "data")),
        ((129, 255), PartitionSpec()),
        ((8, 8), PartitionSpec()),
        ((), PartitionSpec()),
    ],
)
def test_a_large_array_is_split_along_its_longest_axis_that_divides(shape, spec):
    leaf = jax.ShapeDtypeStruct(shape, np.float32)
    assert on_mesh(leaf, create_mesh(), shard=True).sharding.spec == spec
    assert on_mesh(leaf, create_mesh()).sharding.spec == PartitionSpec()


@pytest.mark.parametrize(("size", "nearest"), [(7, "6 or 8"), (1, "2"), (0, "2"), (-3, "2")])
def test_a_batch_that_does_not_divide_proposes_the_nearest(size, nearest):
    check_batch_size("batch_size", 8, create_mesh())
    with pytest.raises(UsageError, match=f"must divide among 2 devices, got {size}: take {nearest}$"):
        check_batch_size("batch_size", size, create_mesh())
