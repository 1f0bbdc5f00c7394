"""SimAM's passes as kernels, for images of (N, M, C): M positions, C channels; float32, bfloat16 or float16.

Where a block of channels has a map that fits on chip, there is one pass: forward reads x once and writes y, backward
reads x and dy and writes dx. Elsewhere there are two, over tiles of positions: the first leaves the sums of every tile,
which are added up outside, and the second applies them. The arithmetic is float32 and that of `simam_formula`.

λ is (1, 1) or (N, 1), what goes with channels (1, C) or (N, C); both float32.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops.simam_formula import Channels
from simam_jax.ops.simam_launch import Here, Operand, Result, run
from simam_jax.ops.simam_tiles import Platform, Tile, part_of_map, whole_map

Map = Float[Array, "N M C"]
PerImage = Float[Array, "n 1"]
PerChannel = Float[Array, "n C"]


def forward(
    x: Map, e_lambda: PerImage, *, platform: Platform, interpret: bool = False, tile: Tile | None = None
) -> tuple[Map, PerChannel, PerChannel]:
    """y, and each channel's mean and D = 4 (σ² + λ), (N, C).

    Args:
        x: the images.
        e_lambda: λ.
        platform: whose kernels.
        interpret: run them as plain JAX operations.
        tile: what one program takes; the best known unless given.
    """
    count = x.shape[1]
    tile = tile or whole_map(platform, *x.shape[1:], x.dtype, maps=1)
    inputs = [Operand("map", x), Operand("image", e_lambda)]
    if tile is not None and tile.positions >= count:
        y, mean, scale = run(
            _forward(count), inputs, [Result("map", x.dtype), *[Result("channel")] * 2], tile, platform,
            interpret=interpret,
        )  # fmt: skip
        return y, mean, scale
    tile = tile or part_of_map(platform, *x.shape[1:], x.dtype, maps=1)
    channels = _statistics(x, e_lambda, tile, platform, interpret)
    (y,) = run(_gate, [inputs[0], *_given(channels)], [Result("map", x.dtype)], tile, platform, interpret=interpret)
    return y, *channels


def forward_affine_relu(
    x: Map, e_lambda: PerImage, scale: PerChannel, bias: PerChannel, *, platform: Platform,
    interpret: bool = False, tile: Tile | None = None,
) -> Map:  # fmt: skip
    """max(scale · y + bias, 0); arguments as for `forward`."""
    count = x.shape[1]
    tile = tile or whole_map(platform, *x.shape[1:], x.dtype, maps=1)
    affine = [Operand("channel", scale), Operand("channel", bias)]
    output = [Result("map", x.dtype)]
    if tile is not None and tile.positions >= count:
        inputs = [Operand("map", x), Operand("image", e_lambda), *affine]
        return run(_forward_affine_relu(count), inputs, output, tile, platform, interpret=interpret)[0]
    tile = tile or part_of_map(platform, *x.shape[1:], x.dtype, maps=1)
    channels = _statistics(x, e_lambda, tile, platform, interpret)
    inputs = [Operand("map", x), *_given(channels), *affine]
    return run(_gate_affine_relu, inputs, output, tile, platform, interpret=interpret)[0]


def backward(
    x: Map, dy: Map, mean: PerChannel, scale: PerChannel, *, platform: Platform, interpret: bool = False,
    tile: Tile | None = None,
) -> tuple[Map, PerChannel]:  # fmt: skip
    """dx, and what each channel adds to λ's gradient, (N, C); x, mean and scale (D) as for `forward`."""
    count = x.shape[1]
    tile = tile or whole_map(platform, *x.shape[1:], x.dtype, maps=2)
    channels = Channels(mean, scale)
    inputs = [Operand("map", x), Operand("map", dy), *_given(channels)]
    if tile is not None and tile.positions >= count:
        dx, slope = run(
            _backward(count), inputs, [Result("map", x.dtype), Result("channel")], tile, platform, interpret=interpret
        )
        return dx, slope
    tile = tile or part_of_map(platform, *x.shape[1:], x.dtype, maps=2)
    parts = run(_slopes, inputs, [Result("tile")] * 2, tile, platform, interpret=interpret)
    sums = (parts[0].sum(1), parts[1].sum(1))
    inputs += [Operand("channel", total) for total in sums]
    (dx,) = run(_gradient(count), inputs, [Result("map", x.dtype)], tile, platform, interpret=interpret)
    return dx, formula.lambda_slope(sums, channels)


def _statistics(x: Map, e_lambda: PerImage, tile: Tile, platform: Platform, interpret: bool) -> Channels:
    """Mean and D from each tile's mean and its squares about that (Chan, Golub and LeVeque, 1979)."""
    means, squares = run(
        _tile_statistics, [Operand("map", x)], [Result("tile")] * 2, tile, platform, interpret=interpret
    )
    count, tiles = x.shape[1], means.shape[1]
    counts = np.minimum(tile.positions, count - np.arange(tiles) * tile.positions).astype(np.float32)
    counts = jnp.asarray(counts).reshape(1, tiles, 1)
    mean = (counts * means).sum(1) / count
    total = (squares + counts * jnp.square(means - mean[:, None])).sum(1)
    return Channels(mean, 4 * (total / max(count - 1, 1) + e_lambda))


def _given(channels: Channels) -> list[Operand]:
    return [Operand("channel", numbers) for numbers in channels]


def _sum(values: Array) -> Array:
    return values.sum(0, keepdims=True)


# What a program computes. Each is given what is inside the map, then a block of each operand.


def _forward(count: int):
    def simam_forward(here: Here, x: Array, e_lambda: Array) -> tuple[Array, Array, Array]:
        channels = formula.statistics(x, e_lambda, count, _sum, here.where)
        return formula.gated(x, channels), *channels

    return simam_forward


def _forward_affine_relu(count: int):
    def simam_forward_affine_relu(here: Here, x: Array, e_lambda: Array, scale: Array, bias: Array) -> tuple[Array]:
        channels = formula.statistics(x, e_lambda, count, _sum, here.where)
        return _gate_affine_relu(here, x, *channels, scale, bias)

    return simam_forward_affine_relu


def _tile_statistics(here: Here, x: Array) -> tuple[Array, Array]:
    return formula.mean_and_squares(x, here.count, _sum, here.where)


def _gate(here: Here, x: Array, mean: Array, scale: Array) -> tuple[Array]:
    del here
    return (formula.gated(x, Channels(mean, scale)),)


def _gate_affine_relu(here: Here, x: Array, mean: Array, d: Array, scale: Array, bias: Array) -> tuple[Array]:
    del here
    return (jnp.maximum(formula.gated(x, Channels(mean, d)) * scale + bias, 0),)


def _backward(count: int):
    def simam_backward(here: Here, x: Array, dy: Array, mean: Array, scale: Array) -> tuple[Array, Array]:
        channels = Channels(mean, scale)
        sums = formula.slopes(x, dy, channels, _sum, here.where)
        return formula.gradient(x, dy, channels, count, sums), formula.lambda_slope(sums, channels)

    return simam_backward


def _slopes(here: Here, x: Array, dy: Array, mean: Array, scale: Array) -> tuple[Array, Array]:
    return formula.slopes(x, dy, Channels(mean, scale), _sum, here.where)


def _gradient(count: int):
    def simam_gradient(
        here: Here, x: Array, dy: Array, mean: Array, scale: Array, first: Array, second: Array
    ) -> tuple[Array]:
        del here
        return (formula.gradient(x, dy, Channels(mean, scale), count, (first, second)),)

    return simam_gradient
