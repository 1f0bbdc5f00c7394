"""What the type of an array says of the mesh that it lies on."""

from collections.abc import Sequence

import jax
from jax.sharding import AxisType
from jaxtyping import Array


def has_explicit_axes(x: Array) -> bool:
    """Whether x's sharding is part of its type, so that each operation has to say how its result is split.

    Kernels, and loops over the images of a batch, cannot.
    """
    return AxisType.Explicit in jax.typeof(x).sharding.mesh.axis_types


def varying_alike(*arrays: Array) -> Sequence[Array]:
    """The arrays, each varying over all mesh axes of `shard_map` over which any of them does.

    What a `jax.custom_vjp` is given must: the gradient of an array that is the same on all devices is then summed over
    them on its way out.
    """
    kinds = [getattr(jax.typeof(array), "manual_axis_type", None) for array in arrays]
    over = [frozenset() if kind is None else kind.varying for kind in kinds]
    missing = [tuple(frozenset().union(*over) - own) for own in over]
    return [
        jax.lax.pcast(array, names, to="varying") if names else array
        for array, names in zip(arrays, missing, strict=True)
    ]
