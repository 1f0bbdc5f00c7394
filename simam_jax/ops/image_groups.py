"""A batch in groups of images that are worked on one after another, so that what is made of them stays in cache.

A loop takes its group of the whole batch by itself: an array that a loop takes whole is one that XLA:CPU computes once,
where it computes a reshaped one again for every reader.
"""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from simam_jax.ops.meshes import varying_alike

T = TypeVar("T")


def map_groups(
    function: Callable[[Array], Array], x: Float[Array, "N H W C"], *, tiles: int, at_most: int
) -> Float[Array, "N h w K"]:
    """What a function of some images makes of all of them, of x's dtype.

    Args:
        function: of as many images as divide the batch and have no more than `at_most` tiles, or of one.
        x: the batch.
        tiles: of an image.
        at_most: tiles that fit in cache.
    """
    size, bits = _group_size(x, tiles, at_most), to_bits(x)

    def one(number: Array) -> Array:
        return to_bits(function(_group(bits, number, size)).astype(x.dtype))

    y = lax.map(one, jnp.arange(x.shape[0] // size))
    return from_bits(y.reshape(-1, *y.shape[2:]))


def fold_groups(function: Callable[..., T], total: T, *batches: Array, tiles: int, at_most: int) -> T:
    """The total after a function has added every group of images of some batches; arguments as in `map_groups`."""
    size, bits = _group_size(batches[0], tiles, at_most), [to_bits(each) for each in batches]
    leaves, tree = jax.tree.flatten(total)
    total = tree.unflatten(varying_alike(*leaves, *batches)[: len(leaves)])

    def add(total: T, number: Array) -> tuple[T, None]:
        return function(total, *(_group(each, number, size) for each in bits)), None

    return lax.scan(add, total, jnp.arange(batches[0].shape[0] // size))[0]


# XLA:CPU carries bfloat16 through a loop as float32 and rounds every slice back, which takes longer than the work.
def to_bits(x: Array) -> Array:
    """The array as loops carry it."""
    return lax.bitcast_convert_type(x, jnp.uint16) if x.dtype == jnp.bfloat16 else x


def from_bits(x: Array) -> Array:
    """The array that `to_bits` has had."""
    return lax.bitcast_convert_type(x, jnp.bfloat16) if x.dtype == jnp.uint16 else x


def _group_size(x: Array, tiles: int, at_most: int) -> int:
    return max(n for n in range(1, x.shape[0] + 1) if x.shape[0] % n == 0 and n * tiles <= max(at_most, tiles))


def _group(bits: Array, number: Array, size: int) -> Array:
    return from_bits(lax.dynamic_slice_in_dim(bits, number * size, size))
