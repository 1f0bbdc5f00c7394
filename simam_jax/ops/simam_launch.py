"""Runs a function of tiles over a whole array as one Pallas kernel, with Triton or Mosaic.

Arrays come in four kinds, told by `Operand.kind`:

    map      (N, M, C)      a program sees (positions, channels) of its tile
    channel  (1 or N, C)    one number a channel:                  (1, channels)
    image    (1 or N, 1)    one number an image:                   (1, 1)
    tile     (N, T, C)      one number a channel of every tile:    (1, channels)

A program's values are float32; those of a map that lie beyond its edge are anything, and are never written.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as mosaic
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float

from simam_jax.ops.simam_tiles import Platform, Tile

Kind = Literal["map", "channel", "image", "tile"]


class Operand(NamedTuple):
    """An array that a kernel reads."""

    kind: Kind
    array: Float[Array, "..."]


class Result(NamedTuple):
    """An array that a kernel writes."""

    kind: Kind
    dtype: DTypeLike = jnp.float32


class Here(NamedTuple):
    """What of a program's tile lies inside the map."""

    where: Bool[Array, "positions channels"] | None
    """None if all of it does."""
    positions: int | Float[Array, ""]
    """How many there are of it."""
    of: int
    """M, how many the map has."""


@cache
def has_triton() -> bool:
    """Whether this JAX still has the way to Triton, which from 0.11 on it calls deprecated."""
    return find_spec("jax.experimental.pallas.triton") is not None


def run(
    body: Callable[..., Sequence[Array]],
    operands: Sequence[Operand],
    results: Sequence[Result],
    tile: Tile,
    platform: Platform,
    *,
    interpret: bool,
) -> list[Array]:
    """Calls `body(here, *values)` for every tile; it returns a value for each of `results`.

    Args:
        body: a pure function of a `Here` and a block of each operand.
        operands: the first is a map, whose shape the others go with.
        results: kinds and dtypes of what the body returns.
        tile: what one program takes.
        platform: `cuda` for Triton, `tpu` for Mosaic.
        interpret: run as plain JAX operations instead, on any platform.
    """
    images, positions, channels = shape = operands[0].array.shape
    tiles, columns = pl.cdiv(positions, tile.positions), pl.cdiv(channels, tile.channels)
    # Neighbouring programs should take neighbouring channels: a GPU counts its first axis fastest, a TPU its last.
    order = (2, 1, 0) if platform == "cuda" else (0, 1, 2)
    grid = tuple((images, tiles, columns)[axis] for axis in order)

    def spec(kind: Kind, leading: int) -> pl.BlockSpec:
        def index(*place: Any) -> tuple[Any, ...]:
            image, row, column = (place[order.index(axis)] for axis in range(3))
            at = {"map": (row, column), "channel": (0, column), "image": (0, 0), "tile": (row, 0, column)}[kind]
            return (image if leading > 1 else 0, *at)

        blocks = {
            "map": (None, tile.positions, tile.channels),
            "channel": (None, 1, tile.channels),
            "image": (None, 1, 1),
            "tile": (None, None, 1, tile.channels),
        }
        return pl.BlockSpec(blocks[kind], index)

    def shaped(kind: Kind) -> tuple[int, ...]:
        return {
            "map": shape,
            "channel": (images, 1, channels),
            "image": (images, 1, 1),
            "tile": (images, tiles, 1, channels),
        }[kind]

    def kernel(*refs: Any) -> None:
        row, column = pl.program_id(order.index(1)), pl.program_id(order.index(2))
        edges = _Edges(tile, shape[1:], (row, column), masked=platform == "cuda")
        values = [edges.read(ref, operand.kind) for ref, operand in zip(refs, operands, strict=False)]
        written = body(edges.here(), *values)
        for ref, value, result in zip(refs[len(operands) :], written, results, strict=True):
            edges.write(ref, value.astype(ref.dtype), result.kind)

    arrays = [_three_axes(operand) for operand in operands]
    written = pl.pallas_call(
        kernel,
        grid=grid,
        in_specs=[spec(operand.kind, array.shape[0]) for operand, array in zip(operands, arrays, strict=True)],
        out_specs=[spec(result.kind, images) for result in results],
        out_shape=[_varying_as(operands[0].array, shaped(result.kind), result.dtype) for result in results],
        compiler_params=_compiler_params(platform, tile),
        interpret=interpret,
        name="simam" + getattr(body, "__name__", ""),
    )(*arrays)
    return [
        value if result.kind == "map" else value.squeeze(-2) for value, result in zip(written, results, strict=True)
    ]


class _Edges:
    """Reads and writes blocks that may reach beyond the map; on a TPU the blocks' pipeline cuts them off by itself."""

    def __init__(self, tile: Tile, size: tuple[int, ...], place: tuple[Any, Any], *, masked: bool) -> None:
        self.positions, channels = positions, _ = size
        block = (tile.positions, tile.channels)
        self.left = positions - place[0] * tile.positions
        self.tile, self.masked = tile, masked
        self.rows = _below(self.left, 0, block) if positions % tile.positions else None
        self.columns = self.whole = None
        if channels % tile.channels:
            left = channels - place[1] * tile.channels
            self.columns, self.whole = _below(left, 1, (1, tile.channels)), _below(left, 1, block)
        if self.rows is not None:
            self.whole = self.rows if self.whole is None else self.rows & self.whole

    def here(self) -> Here:
        if self.rows is None:
            return Here(None, self.tile.positions, self.positions)
        return Here(self.rows, jnp.minimum(self.tile.positions, self.left).astype(jnp.float32), self.positions)

    def read(self, ref: Any, kind: Kind) -> Array:
        mask = self._mask(kind)
        value = ref[...] if mask is None else _triton().load(ref, mask=mask, other=0)
        return value.astype(jnp.float32)

    def write(self, ref: Any, value: Array, kind: Kind) -> None:
        mask = self._mask(kind)
        if mask is None:
            ref[...] = value
        else:
            _triton().store(ref, value, mask=mask)

    def _mask(self, kind: Kind) -> Array | None:
        if not self.masked or kind == "image":
            return None
        return self.whole if kind == "map" else self.columns


def _triton() -> Any:
    from jax.experimental.pallas import triton  # a JAX without it runs everything else

    return triton


def _below(size: Any, axis: int, shape: tuple[int, int]) -> Array:
    return jax.lax.broadcasted_iota(jnp.int32, shape, axis) < size


def _three_axes(operand: Operand) -> Array:
    return operand.array if operand.kind == "map" else jnp.expand_dims(operand.array, -2)


def _varying_as(x: Array, shape: tuple[int, ...], dtype: DTypeLike) -> jax.ShapeDtypeStruct:
    """Inside `shard_map`, a kernel's results vary over the mesh axes that its map does."""
    kind = getattr(jax.typeof(x), "manual_axis_type", None)
    return jax.ShapeDtypeStruct(shape, dtype, **({} if kind is None else {"manual_axis_type": kind}))


def _compiler_params(platform: Platform, tile: Tile) -> Any:
    if platform == "cuda":
        return _triton().CompilerParams(num_warps=tile.warps, num_stages=1)
    return mosaic.CompilerParams(dimension_semantics=("parallel",) * 3)
