"""Winograd's minimal filtering for 3×3 convolutions of stride 1 (Lavin and Gray, 2016, https://arxiv.org/abs/1509.09308).

A tile of m×m outputs needs (m + 2)² products where the plain sum has 9m²: 2.25 times fewer at m = 2, 4 times fewer at
m = 4. With d a tile of (m + 2)² inputs, g the kernel and y the outputs, channels summed in ⊙:

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A          and so    dg = Gᵀ [(Bᵀ d B) ⊙ (A dy Aᵀ)] G

Both run over a few images at a time, so that what is transformed stays in the processor's cache. Each of the (m + 2)²
places of a tile is one matrix product, over the tiles and the channels.

m = 2 for outputs, whose rounding is then the plain sum's; m = 4 for the kernel's gradient, whose rounding averages out.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, DTypeLike, Float

from simam_jax.ops.image_groups import grouped, ungrouped

# Interpolation at 0, 1, -1, ∞ and at 0, 1, -1, 2, -2, ∞.
_BT = {
    2: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    4: [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
}
_G = {
    2: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    4: [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
}
_AT = {
    2: [[1, 1, 1, 0], [0, 1, -1, -1]],
    4: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
}
_TILES = 2048
Padding = Sequence[tuple[int, int]]


def winograd(
    x: Float[Array, "N H W C"], kernel: Float[Array, "3 3 C K"], padding: Padding, *, product: DTypeLike
) -> Float[Array, "N h w K"]:
    """The convolution of x with a 3×3 kernel.

    Args:
        x: images.
        kernel: its weights.
        padding: zeros before and after each spatial axis; negative ones cut.
        product: dtype of what is multiplied; sums are float32 or wider.
    """
    m = 2
    wide = jnp.promote_types(x.dtype, jnp.float32)
    height, width = (size + sum(sides) - 2 for size, sides in zip(x.shape[1:3], padding, strict=True))
    rows, columns = -(-height // m), -(-width // m)
    weights = _both(_G[m], kernel.astype(wide)).astype(product)
    groups = grouped(x, tiles=rows * columns, at_most=_TILES)

    def one(images: Array) -> Array:
        tiles = _input_tiles(_pad(images.astype(wide), padding, rows, columns, m), m)
        sums = [
            lax.dot(tile.astype(product).reshape(-1, tile.shape[-1]), weight, preferred_element_type=wide)
            for tile, weight in zip(tiles, weights, strict=True)
        ]
        return _outputs([s.reshape(-1, rows, columns, s.shape[-1]) for s in sums], m).astype(x.dtype)

    return ungrouped(lax.map(one, groups))[:, :height, :width]


def winograd_kernel_gradient(
    x: Float[Array, "N H W C"], dy: Float[Array, "N h w K"], padding: Padding
) -> Float[Array, "3 3 C K"]:
    """The gradient of `winograd` for its kernel, in float32 or wider."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    # Four tiles of two, where the maps are too small for tiles of four.
    m = 4 if min(dy.shape[1:3]) > 4 else 2
    rows, columns = (-(-size // m) for size in dy.shape[1:3])
    after = [(0, rows * m - dy.shape[1]), (0, columns * m - dy.shape[2])]
    groups = tuple(grouped(a, tiles=rows * columns, at_most=_TILES // 2) for a in (x, dy))

    def add(total: list[Array], images: tuple[Array, Array]) -> tuple[list[Array], None]:
        tiles = _input_tiles(_pad(images[0].astype(wide), padding, rows, columns, m), m)
        moved = _output_tiles(lax.pad(images[1].astype(wide), jnp.zeros((), wide), _config(after)), m)
        return [
            t + jnp.einsum("nhwc,nhwk->ck", tile, d, preferred_element_type=wide)
            for t, tile, d in zip(total, tiles, moved, strict=True)
        ], None

    zeros = jnp.zeros((x.shape[-1], dy.shape[-1]), wide)
    total, _ = lax.scan(add, [zeros] * (m + 2) ** 2, (groups[0], groups[1]))
    g = jnp.asarray(_G[m], wide)
    whole = jnp.stack(total).reshape(m + 2, m + 2, *zeros.shape)
    return jnp.einsum("ai,bj,abck->ijck", g, g, whole, precision=lax.Precision.HIGHEST)


def _config(sides: Padding) -> list[tuple[int, int, int]]:
    return [(0, 0, 0), *((low, high, 0) for low, high in sides), (0, 0, 0)]


def _pad(x: Array, padding: Padding, rows: int, columns: int, m: int) -> Array:
    """x with its zeros before each axis, and as many after it as whole tiles need."""
    sides = [
        (low, count * m + 2 - size - low)
        for size, (low, _), count in zip(x.shape[1:3], padding, (rows, columns), strict=True)
    ]
    return lax.pad(x, jnp.zeros((), x.dtype), _config(sides))


def _combine(coefficients: Sequence[int | float], parts: Sequence[Array]) -> Array:
    """Σ coefficient · part, with no product where the coefficient is 1, -1 or 0."""
    total = None
    for coefficient, part in zip(coefficients, parts, strict=True):
        if coefficient == 0:
            continue
        term = part if abs(coefficient) == 1 else part * abs(coefficient)
        if total is None:
            total = term if coefficient > 0 else -term
        else:
            total = total + term if coefficient > 0 else total - term
    assert total is not None
    return total


def _both(matrix: Sequence[Sequence[int | float]], kernel: Array) -> Array:
    m = jnp.asarray(matrix, kernel.dtype)
    moved = jnp.einsum("ai,bj,ijck->abck", m, m, kernel, precision=lax.Precision.HIGHEST)
    return moved.reshape(-1, *kernel.shape[2:])


def _input_tiles(padded: Array, m: int) -> list[Array]:
    """Bᵀ d B of every tile: for each of its (m + 2)² places an array (n, rows, columns, C)."""
    reach = range(m + 2)
    height, width = padded.shape[1] - 2, padded.shape[2] - 2
    by_row = [_combine(line, [padded[:, i : i + height - m + 1 : m] for i in reach]) for line in _BT[m]]
    return [_combine(line, [r[:, :, j : j + width - m + 1 : m] for j in reach]) for r in by_row for line in _BT[m]]


def _outputs(sums: Sequence[Array], m: int) -> Array:
    """Aᵀ s A of every tile, put together: (n, rows · m, columns · m, K)."""
    places = np.arange((m + 2) ** 2).reshape(m + 2, m + 2)
    by_row = [[_combine(line, [sums[k] for k in places[:, b]]) for b in range(m + 2)] for line in _AT[m]]
    y = jnp.stack([jnp.stack([_combine(line, row) for line in _AT[m]], axis=3) for row in by_row], axis=2)
    n, rows, _, columns, _, features = y.shape
    return y.reshape(n, rows * m, columns * m, features)


def _output_tiles(dy: Array, m: int) -> list[Array]:
    """A dy Aᵀ of every tile: for each of its (m + 2)² places an array (n, rows, columns, K)."""
    lines = np.transpose(_AT[m]).tolist()
    by_row = [_combine(line, [dy[:, i::m] for i in range(m)]) for line in lines]
    return [_combine(line, [r[:, :, j::m] for j in range(m)]) for r in by_row for line in lines]
