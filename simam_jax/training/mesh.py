"""The devices as one axis over which batches are split, and a state where that is asked for."""

import math
from collections.abc import Mapping

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from simam_jax.errors import UsageError

AXIS = "data"

# Values from which on an array of a state is worth splitting.
_LARGE = 2**14


def create_mesh() -> Mesh:
    """All devices of all processes along the axis "data"."""
    # By process, as jax.make_mesh would not promise: a process's devices take its own consecutive share of a batch.
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    # Auto: under the default Explicit axes Linen's Dropout fails.
    return Mesh(np.array(devices), (AXIS,), axis_types=(AxisType.Auto,))


def replicated(mesh: Mesh) -> NamedSharding:
    """A whole copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def split(mesh: Mesh) -> NamedSharding:
    """The first axis split over the devices."""
    return NamedSharding(mesh, PartitionSpec(AXIS))


def on_mesh(shapes: PyTree, mesh: Mesh, *, shard: bool = False) -> PyTree:
    """Shapes and dtypes, of arrays or their likes, with the shardings of a state.

    Args:
        shapes: the state.
        mesh: the devices.
        shard: split large arrays over the devices; else every device has all of the state.
    """
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=_of_leaf(leaf.shape, mesh, shard)), shapes
    )


def everywhere(tree: PyTree, mesh: Mesh) -> PyTree:
    """Numbers that every process has, as arrays that every device has."""
    return jax.tree.map(
        lambda leaf: jax.make_array_from_callback(np.shape(leaf), replicated(mesh), lambda _: leaf), tree
    )


def gather(tree: PyTree, mesh: Mesh) -> PyTree:
    """The same arrays whole on every device, inside a compiled function."""
    return jax.lax.with_sharding_constraint(tree, replicated(mesh))


def scatter(tree: PyTree, mesh: Mesh, *, shard: bool) -> PyTree:
    """The same arrays laid out as those of a state, inside a compiled function."""
    return jax.tree.map(lambda leaf: jax.lax.with_sharding_constraint(leaf, _of_leaf(leaf.shape, mesh, shard)), tree)


def _of_leaf(shape: tuple[int, ...], mesh: Mesh, shard: bool) -> NamedSharding:
    """Split along the longest axis that divides among the devices, the last of equals; whole where it is small."""
    fitting = [axis for axis, length in enumerate(shape) if length % mesh.size == 0]
    if not (shard and fitting and math.prod(shape) >= _LARGE):
        return replicated(mesh)
    longest = max(fitting, key=lambda axis: (shape[axis], axis))
    return NamedSharding(mesh, PartitionSpec(*(AXIS if axis == longest else None for axis in range(len(shape)))))


def to_devices(mesh: Mesh, batch: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    """The global batch of which every process has its own consecutive share."""
    sharding = split(mesh)
    return {name: jax.make_array_from_process_local_data(sharding, values) for name, values in batch.items()}


def check_batch_size(name: str, batch_size: int, mesh: Mesh) -> None:
    """Raises UsageError, proposing the nearest sizes, where a batch does not divide among the devices."""
    devices = mesh.size
    if batch_size < 1 or batch_size % devices:
        below, above = batch_size // devices * devices, -(-max(batch_size, 1) // devices) * devices
        nearest = " or ".join(str(size) for size in (below, above) if size > 0)
        raise UsageError(f"{name} must divide among {devices} devices, got {batch_size}: take {nearest}")
