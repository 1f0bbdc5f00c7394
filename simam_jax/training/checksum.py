"""A checksum over a state, equal for equal bits however the state is laid out over devices and processes."""

import hashlib
import json

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import PyTree


def checksum(state: PyTree, metrics: object) -> str:
    """The sha256 over every leaf's path, dtype, shape and bytes, and over metrics.

    Args:
        state: of arrays; those that are split over several processes have all of these call this together.
        metrics: what JSON can say.
    """
    digest = hashlib.sha256(json.dumps(metrics).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        values = leaf if isinstance(leaf, np.ndarray) else _whole(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _whole(leaf: jax.Array) -> np.ndarray:
    if not leaf.is_fully_replicated:
        assert isinstance(leaf.sharding, NamedSharding)
        leaf = _laid_out(leaf, NamedSharding(leaf.sharding.mesh, PartitionSpec()))
    return np.asarray(leaf.addressable_data(0))


_laid_out = jax.jit(jax.lax.with_sharding_constraint, static_argnums=1)
