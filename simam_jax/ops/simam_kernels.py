"""SimAM's passes as kernels, for images of (N, M, C): M positions, C channels; float32, bfloat16 or float16.

Where a block of channels has a map that fits on chip, there is one pass: forward reads x once and writes y, backward
reads x and dy and writes dx. Elsewhere there are two, over tiles of positions: the first leaves the sums of every tile,
which are added up outside, and the second applies them. The arithmetic is float32 and that of `simam_formula`.

λ is (1, 1) or (N, 1), what goes with channels (1, C) or (N, C); both float32.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops.simam_formula import Channels
from simam_jax.ops.simam_launch import Here, Operand, Result, run
from simam_jax.ops.simam_tiles import Platform, Tile, part_of_map, whole_map

Map = Float[Array, "N M C"]
PerImage = Float[Array, "#N 1"]
PerChannel = Float[Array, "#N C"]


class Way(NamedTuple):
    """How to run a pass.

    Attributes:
        platform: whose kernels.
        interpret: run them as plain JAX operations.
        tile: what one program takes; the best known unless given.
    """

    platform: Platform
    interpret: bool = False
    tile: Tile | None = None

    def over(self, x: Map, *, maps: int) -> "Way":
        """The same with a tile for x; `maps` arrays of its shape are read."""
        positions, channels = x.shape[1:]
        tile = self.tile or whole_map(self.platform, positions, channels, x.dtype, maps=maps)
        return self._replace(tile=tile or part_of_map(self.platform, positions, channels, x.dtype, maps=maps))

    def in_one_pass(self, x: Map) -> bool:
        """Whether the tile has the whole map."""
        return self.tile is not None and self.tile.positions >= x.shape[1]

    def run(self, body: Callable[..., Sequence[Array]], inputs: list[Operand], results: list[Result]) -> list[Array]:
        """Every tile through `body`."""
        assert self.tile is not None
        return run(body, inputs, results, self.tile, self.platform, interpret=self.interpret)


def forward(x: Map, e_lambda: PerImage, way: Way) -> tuple[Map, PerChannel, PerChannel]:
    """y, and each channel's mean and D = 4 (σ² + λ), (N, C)."""
    way = way.over(x, maps=1)
    inputs, output = [Operand("map", x), Operand("image", e_lambda)], Result("map", x.dtype)
    if way.in_one_pass(x):
        y, mean, scale = way.run(_forward, inputs, [output, Result("channel"), Result("channel")])
        return y, mean, scale
    channels = _statistics(x, e_lambda, way)
    (y,) = way.run(_gate, [inputs[0], *_per_channel(*channels)], [output])
    return y, channels.mean, channels.scale


def forward_affine_relu(x: Map, e_lambda: PerImage, scale: PerChannel, bias: PerChannel, way: Way) -> Map:
    """max(scale · y + bias, 0)."""
    way = way.over(x, maps=1)
    inputs, output = [Operand("map", x), *_per_channel(scale, bias)], Result("map", x.dtype)
    if way.in_one_pass(x):
        return way.run(_forward_affine_relu, [*inputs, Operand("image", e_lambda)], [output])[0]
    return way.run(_gate_affine_relu, [*inputs, *_per_channel(*_statistics(x, e_lambda, way))], [output])[0]


def backward(x: Map, dy: Map, mean: PerChannel, scale: PerChannel, way: Way) -> tuple[Map, PerChannel]:
    """dx, and what each channel adds to λ's gradient, (N, C); mean and scale (D) are those that `forward` gives."""
    way = way.over(x, maps=2)
    inputs, output = [Operand("map", x), Operand("map", dy), *_per_channel(mean, scale)], Result("map", x.dtype)
    if way.in_one_pass(x):
        dx, slope = way.run(_backward, inputs, [output, Result("channel")])
        return dx, slope
    first, second = (part.sum(1) for part in way.run(_slopes, inputs, [Result("tile")] * 2))
    (dx,) = way.run(_gradient, [*inputs, *_per_channel(first, second)], [output])
    return dx, formula.lambda_slope((first, second), Channels(mean, scale))


def _statistics(x: Map, e_lambda: PerImage, way: Way) -> Channels:
    """Mean and D from each tile's mean and its squares about that (Chan, Golub and LeVeque, 1979)."""
    assert way.tile is not None
    means, squares = way.run(_tile_statistics, [Operand("map", x)], [Result("tile")] * 2)
    count, tiles, size = x.shape[1], means.shape[1], way.tile.positions
    counts = np.minimum(size, count - np.arange(tiles) * size).astype(np.float32)
    counts = jnp.asarray(counts).reshape(1, tiles, 1)
    mean = (counts * means).sum(1) / count
    total = (squares + counts * jnp.square(means - mean[:, None])).sum(1)
    return Channels(mean, 4 * (total / max(count - 1, 1) + e_lambda))


def _per_channel(*numbers: PerChannel) -> list[Operand]:
    return [Operand("channel", each) for each in numbers]


# What a program computes, from a block of each operand.


def _forward(here: Here, x: Array, e_lambda: Array) -> tuple[Array, Array, Array]:
    channels = formula.statistics(x, e_lambda, here.of, _sum, here.where)
    return formula.gated(x, channels), channels.mean, channels.scale


def _forward_affine_relu(here: Here, x: Array, scale: Array, bias: Array, e_lambda: Array) -> tuple[Array]:
    channels = formula.statistics(x, e_lambda, here.of, _sum, here.where)
    return (jnp.maximum(formula.gated(x, channels) * scale + bias, 0),)


def _tile_statistics(here: Here, x: Array) -> tuple[Array, Array]:
    return formula.mean_and_squares(x, here.positions, _sum, here.where)


def _gate(here: Here, x: Array, *channels: Array) -> tuple[Array]:
    del here
    return (formula.gated(x, Channels(*channels)),)


def _gate_affine_relu(here: Here, x: Array, scale: Array, bias: Array, *channels: Array) -> tuple[Array]:
    del here
    return (jnp.maximum(formula.gated(x, Channels(*channels)) * scale + bias, 0),)


def _backward(here: Here, x: Array, dy: Array, *numbers: Array) -> tuple[Array, Array]:
    channels = Channels(*numbers)
    sums = formula.slopes(x, dy, channels, _sum, here.where)
    return formula.gradient(x, dy, channels, sums, count=here.of), formula.lambda_slope(sums, channels)


def _slopes(here: Here, x: Array, dy: Array, *channels: Array) -> tuple[Array, Array]:
    return formula.slopes(x, dy, Channels(*channels), _sum, here.where)


def _gradient(here: Here, x: Array, dy: Array, *numbers: Array) -> tuple[Array]:
    mean, scale, first, second = numbers
    return (formula.gradient(x, dy, Channels(mean, scale), (first, second), count=here.of),)


def _sum(values: Array) -> Array:
    return values.sum(0, keepdims=True)
