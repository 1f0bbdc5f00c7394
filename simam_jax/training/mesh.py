"""The devices as one axis over which batches are split."""

from collections.abc import Mapping

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from simam_jax.errors import UsageError

AXIS = "data"


def create_mesh() -> Mesh:
    """All devices of all processes along the axis "data"."""
    # Auto: under the default Explicit axes Linen's Dropout fails.
    return jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))


def replicated(mesh: Mesh) -> NamedSharding:
    """A whole copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def split(mesh: Mesh) -> NamedSharding:
    """The first axis split over the devices."""
    return NamedSharding(mesh, PartitionSpec(AXIS))


def on_mesh(shapes: PyTree, mesh: Mesh) -> PyTree:
    """Shapes and dtypes, of arrays or their likes, with the sharding of a state."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=replicated(mesh)), shapes)


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
