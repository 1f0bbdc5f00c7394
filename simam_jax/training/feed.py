"""From a process's batches to global batches on the devices, ahead of their use."""

import gc
import multiprocessing
from collections.abc import Iterator
from functools import partial

import grain
import jax
from jax.sharding import Mesh

from simam_jax.training.mesh import to_devices

_AHEAD = 2


class Feed(Iterator[dict[str, jax.Array]]):
    """Batches on their way to the mesh: a thread of its own moves them there, two ahead.

    To be closed where it is left before its end, after the last batch has been let go.
    """

    def __init__(self, batches: grain.IterDataset, mesh: Mesh):
        """Starts nothing before the first batch is asked for."""
        moved = batches.map(partial(to_devices, mesh))
        self._moved = iter(grain.experimental.ThreadPrefetchIterDataset(moved, prefetch_buffer_size=_AHEAD))

    def __next__(self) -> dict[str, jax.Array]:
        return next(self._moved)

    def close(self) -> None:
        """Ends the thread and the processes that decode, and frees the memory that these share with this one."""
        # Those of an endless stream live until it is closed; evaluation, which has an end, decodes in this process.
        decoded_elsewhere = bool(multiprocessing.active_children())
        self._moved.close()
        if decoded_elsewhere:
            # A batch on a CPU may be the very memory that a process decoded into, which Grain frees with its array, and
            # JAX lets go of arrays of the host when garbage is collected; that takes most of a second.
            gc.collect()


def feed(batches: grain.IterDataset, mesh: Mesh) -> Feed:
    """Moves batches to the mesh, ahead of their use."""
    return Feed(batches, mesh)
