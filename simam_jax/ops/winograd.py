"""Winograd's minimal filtering for 3×3 convolutions of stride 1 (Lavin and Gray, 2016).

Source: https://arxiv.org/abs/1509.09308.

A tile of 2×2 outputs needs 4² products where the plain sum has 9·2²: 2.25 times fewer. It rounds up to ten times as
coarsely as the plain sum, and in bfloat16 once more, where tiles and kernel have been transformed.
With d a tile of 4×4 inputs, g the kernel and y the outputs, channels summed in ⊙:

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

It runs over a few images at a time, so that what is transformed stays in the processor's cache. Each of the 4² places
of a tile is one matrix product, over the tiles and the channels.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, DTypeLike, Float

from simam_jax.ops.image_groups import map_groups

# Interpolation at 0, 1, -1, ∞.
_BT = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
_AT = [[1, 1, 1, 0], [0, 1, -1, -1]]
_SIDE = 2
_REACH = 4
_TILES = 2048


def winograd(
    x: Float[Array, "N H W C"],
    kernel: Float[Array, "3 3 _ _"],
    padding: Sequence[tuple[int, int]],
    *,
    product: DTypeLike,
    swapped: bool = False,
) -> Float[Array, "N h w K"]:
    """The convolution of x with a 3×3 kernel.

    Args:
        x: images.
        kernel: its weights, (3, 3, C, K).
        padding: zeros before and after each spatial axis; negative ones cut.
        product: dtype of what is multiplied; sums are float32 or wider.
        swapped: it is (3, 3, K, C); swapping its axes here costs more than the products gain.
    """
    wide = jnp.promote_types(x.dtype, jnp.float32)
    height, width = (size + sum(sides) - 2 for size, sides in zip(x.shape[1:3], padding, strict=True))
    rows, columns = -(-height // _SIDE), -(-width // _SIDE)
    # Zeros before each axis, and as many after it as whole tiles need.
    sides = [
        (low, count * _SIDE + 2 - size - low, 0)
        for size, (low, _), count in zip(x.shape[1:3], padding, (rows, columns), strict=True)
    ]
    weights = [place.astype(product) for place in _transformed(kernel.astype(wide))]

    over = (((1,), (1 if swapped else 0,)), ((), ()))

    def one(images: Array) -> Array:
        padded = lax.pad(images.astype(wide), jnp.zeros((), wide), [(0, 0, 0), *sides, (0, 0, 0)])
        sums = [
            lax.dot_general(tile.astype(product).reshape(-1, tile.shape[-1]), weight, over, preferred_element_type=wide)
            for tile, weight in zip(_input_tiles(padded), weights, strict=True)
        ]
        return _outputs([s.reshape(-1, rows, columns, s.shape[-1]) for s in sums])

    y = map_groups(one, x, tiles=rows * columns, at_most=_TILES)
    return y[:, :height, :width]


def _transformed(kernel: Array) -> list[Array]:
    """G g Gᵀ of every pair of channels: for each of the 4² places an array (C, K)."""

    def along(g: Sequence[Array]) -> list[Array]:
        outer, middle = (g[0] + g[2]) / 2, g[1] / 2
        return [g[0], outer + middle, outer - middle, g[2]]

    return [place for row in along(list(kernel)) for place in along(list(row))]


def _input_tiles(padded: Array) -> list[Array]:
    """Bᵀ d B of every tile: for each of its 4² places an array (n, rows, columns, C)."""
    height, width = (size - _REACH + 1 for size in padded.shape[1:3])
    by_row = [_combine(line, [padded[:, i : i + height : _SIDE] for i in range(_REACH)]) for line in _BT]
    return [_combine(line, [r[:, :, j : j + width : _SIDE] for j in range(_REACH)]) for r in by_row for line in _BT]


def _outputs(sums: Sequence[Array]) -> Array:
    """Aᵀ s A of every tile, put together: (n, rows · 2, columns · 2, K)."""
    by_row = [[_combine(line, sums[b::_REACH]) for b in range(_REACH)] for line in _AT]
    y = jnp.stack([jnp.stack([_combine(line, row) for line in _AT], axis=3) for row in by_row], axis=2)
    n, rows, _, columns, _, features = y.shape
    return y.reshape(n, rows * _SIDE, columns * _SIDE, features)


def _combine(signs: Sequence[int], parts: Sequence[Array]) -> Array:
    """The sum of parts with their signs; a part of sign 0 is left out."""
    plus = [part for sign, part in zip(signs, parts, strict=True) if sign > 0]
    minus = [part for sign, part in zip(signs, parts, strict=True) if sign < 0]
    return sum(plus[1:], plus[0]) - sum(minus[1:], minus[0]) if minus else sum(plus[1:], plus[0])
