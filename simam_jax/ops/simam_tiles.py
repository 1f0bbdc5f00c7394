"""How much of a map one program of SimAM's kernels takes."""

from typing import Literal, NamedTuple

import numpy as np

Platform = Literal["cuda", "tpu"]

# A program on a GPU holds its map in registers, as float32: 32 Ki values forward, and 16 Ki each of x and dy backward,
# take 64 registers of each of 512 threads, which leaves as many for the arithmetic.
_GPU_VALUES = 2**15
_GPU_TILE_VALUES = 2**13
# Memory is read in sectors of 32 bytes; the other half of one is in the second-level cache when a neighbour wants it.
_GPU_ROW_BYTES = 16, 128
# A TPU core of the smallest kind has 16 MiB of vector memory; a quarter is left to the compiler.
_TPU_BYTES = 12 * 2**20
_TPU_LANES = 128
# Blocks of float32 that the arithmetic has at the same time.
_TPU_TEMPORARIES = 4


class Tile(NamedTuple):
    """A block of one image's map."""

    positions: int
    channels: int
    warps: int = 4
    """Of 32 threads; only GPUs have them."""


def whole_map(platform: Platform, positions: int, channels: int, dtype: np.dtype, *, maps: int) -> Tile | None:
    """A tile that has all positions, or None where no block of channels has a map that fits on chip.

    Args:
        platform: whose memory it must fit into.
        positions: H·W.
        channels: C.
        dtype: of x.
        maps: arrays of x's shape that are read: 1 forward, 2 backward.
    """
    if platform == "tpu":
        wide = _tpu_channels(channels, 4)
        fitting = [width for width in wide if _tpu_bytes(positions, width, dtype, maps) <= _TPU_BYTES]
        return Tile(positions, fitting[0]) if fitting else None
    rows = max(_power_of_two(positions), 8)
    least, most = (_power_of_two(-(-size // dtype.itemsize)) for size in _GPU_ROW_BYTES)
    width = min(most, _power_of_two(channels), _GPU_VALUES // maps // rows)
    if width < min(least, _power_of_two(channels)):
        return None
    return Tile(rows, width, _warps(rows * width * maps))


def part_of_map(platform: Platform, positions: int, channels: int, dtype: np.dtype, *, maps: int) -> Tile:
    """A tile for maps that `whole_map` has none for; the last one may reach beyond the positions."""
    if platform == "tpu":
        width = _tpu_channels(channels, 1)[0]
        rows = 2048
        while _tpu_bytes(rows, width, dtype, maps) > _TPU_BYTES:
            rows //= 2
        return Tile(positions if positions <= rows else rows, width)
    width = min(_power_of_two(channels), _GPU_ROW_BYTES[1] // dtype.itemsize)
    rows = max(min(_power_of_two(positions), _GPU_TILE_VALUES // maps // width), 8)
    return Tile(rows, width, _warps(rows * width * maps))


def _power_of_two(size: int) -> int:
    """The least that is not smaller."""
    return 1 << (size - 1).bit_length()


def _warps(values: int) -> int:
    """Threads for 64 values each, in 4 to 16 warps."""
    return min(max(values // (32 * 64), 4), 16)


def _tpu_channels(channels: int, most: int) -> list[int]:
    """Block widths, the widest first: multiples of the lanes, or all channels where they are fewer."""
    if channels <= _TPU_LANES:
        return [channels]
    return [count * _TPU_LANES for count in range(min(most, -(-channels // _TPU_LANES)), 0, -1)]


def _tpu_bytes(positions: int, width: int, dtype: np.dtype, maps: int) -> int:
    sublanes = 32 // dtype.itemsize
    values = -(-positions // sublanes) * sublanes * -(-width // _TPU_LANES) * _TPU_LANES
    # What is read and what is written, each twice: one block moves while the other is worked on.
    return values * (2 * (maps + 1) * dtype.itemsize + 4 * _TPU_TEMPORARIES)
