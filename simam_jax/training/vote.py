"""The processes of a run agree on whether to stop, by a vote on their devices that nobody waits for."""

from collections import deque
from functools import partial

import jax
import numpy as np
from jax.sharding import NamedSharding

from simam_jax.training.divergence import IN_FLIGHT
from simam_jax.training.mesh import create_mesh, replicated, split


class Vote:
    """Ballots that all processes cast equally often, each counted a few later."""

    def __init__(self):
        """Before the first ballot."""
        self._mesh = create_mesh()
        self._counted: deque[jax.Array] = deque()

    def cast(self, weight: int) -> int:
        """Casts this process's weight, and gives the largest of all processes' of a few ballots ago; 0 before."""
        own = np.full(jax.local_device_count(), weight, np.int32)
        ballot = jax.make_array_from_process_local_data(split(self._mesh), own)
        self._counted.append(_largest(ballot, replicated(self._mesh)))
        return int(self._counted.popleft()) if len(self._counted) > IN_FLIGHT else 0


@partial(jax.jit, static_argnums=1)
def _largest(weights: jax.Array, sharding: NamedSharding) -> jax.Array:
    return jax.lax.with_sharding_constraint(weights.max(), sharding)
