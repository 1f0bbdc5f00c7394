"""From a process's batches to global batches on the devices, ahead of their use."""

from collections.abc import Iterator
from functools import partial

import grain
import jax
from jax.sharding import Mesh

from simam_jax.training.mesh import to_devices

_AHEAD = 2


def feed(batches: grain.IterDataset, mesh: Mesh) -> Iterator[dict[str, jax.Array]]:
    """Moves batches to the mesh in a thread of its own, two ahead."""
    moved = batches.map(partial(to_devices, mesh))
    return iter(grain.experimental.ThreadPrefetchIterDataset(moved, prefetch_buffer_size=_AHEAD))
