"""The gradient of a convolution's kernel by matrix products that are fast on XLA:CPU."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from simam_jax.ops.image_groups import fold_groups, from_bits, to_bits
from simam_jax.ops.windows import Pairs, taps_of

FEW_INPUTS = 4
"""So many channels, of an image, make a window that is narrow enough to be one product."""

_POSITIONS = 1024


def kernel_gradient(
    x: Float[Array, "N H W C"],
    kernel: Float[Array, "rows columns c K"],
    dy: Float[Array, "N h w K"],
    *,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int,
) -> Float[Array, "rows columns c K"]:
    """The gradient of `sum(dy · convolution(x, kernel))`, added up in float32 or wider.

    Args:
        x: what was convolved.
        kernel: by what; only its shape and dtype matter.
        dy: the gradient of the result.
        strides, padding, dilation: of the convolution, of rows and of columns.
        groups: 1, or as many as there are channels of x and of dy.
    """
    window, inputs = kernel.shape[:2], kernel.shape[2]
    options = {"strides": strides, "padding": padding, "dilation": dilation}
    if groups > 1:
        gradient = _of_channels(x, dy, window, **options)
    elif inputs <= FEW_INPUTS:
        gradient = _by_windows(x, dy, window, **options)
    else:
        gradient = _by_rows_and_columns(x, dy, window, **options)
    return gradient.reshape(kernel.shape).astype(kernel.dtype)


def _of_channels(x, dy, window, **options):
    dy = dy.astype(_sum_dtype(x))
    return jnp.stack([(tap.astype(dy.dtype) * dy).sum((0, 1, 2)) for tap in taps_of(x, window, **options)])


def _by_windows(x, dy, window, **options):
    """All places of the window by one product, of what they see of x and dy."""
    wide, outputs = _sum_dtype(x), dy.shape[-1]

    def add(total, x, dy):
        seen = _turned_windows(x, window, dy.shape[1:3], **options)
        return total + jnp.dot(seen.reshape(seen.shape[0], -1), dy.reshape(-1, outputs), preferred_element_type=wide)

    total = jnp.zeros((window[0] * window[1] * x.shape[-1], outputs), wide)
    return fold_groups(add, total, x, dy, tiles=dy.shape[1] * dy.shape[2], at_most=_POSITIONS)


def _turned_windows(x, window, sizes, *, strides, padding, dilation):
    """(window · C, N, h, w): what each place of the window sees of x.

    Of x turned, and parted by row and column modulo the strides: then what a place sees lies side by side in memory.
    """
    places = [[tap * step for tap in range(taps)] for taps, step in zip(window, dilation, strict=True)]
    counts = [size + last[-1] // stride for size, last, stride in zip(sizes, places, strides, strict=True)]
    sides = [
        (low, count * stride - size - low, 0)
        for size, (low, _), count, stride in zip(x.shape[1:3], padding, counts, strides, strict=True)
    ]
    bits = to_bits(x)
    bits = lax.pad(bits, jnp.zeros((), bits.dtype), [(0, 0, 0), *sides, (0, 0, 0)])
    parted = bits.reshape(x.shape[0], counts[0], strides[0], counts[1], strides[1], x.shape[-1])
    parted = parted.transpose(2, 4, 5, 0, 1, 3)

    def seen(row, column):
        (ahead_r, part_r), (ahead_c, part_c) = divmod(row, strides[0]), divmod(column, strides[1])
        part = parted[part_r, part_c]
        return part[:, :, ahead_r : ahead_r + sizes[0], ahead_c : ahead_c + sizes[1]]

    return from_bits(jnp.concatenate([seen(row, column) for row in places[0] for column in places[1]]))


def _by_rows_and_columns(x, dy, window, *, strides, padding, dilation):
    """All places of the window by one product: x moved by its columns, times dy moved by its rows.

    Were only x moved, it would be copied for each of the window's h · w places; so x is copied w times and dy h times,
    and the product is large on both sides. A row of x meets but those rows of the kernel that are as far from it modulo
    the stride, hence a product for each place modulo the stride.
    """
    wide, inputs, outputs = _sum_dtype(x), x.shape[-1], dy.shape[-1]
    columns = [column * dilation[1] - padding[1][0] for column in range(window[1])]
    phases = _rows(window[0], strides[0], padding[0][0], dilation[0])
    # XLA:CPU is slow where a product goes over the first axis of its left side, so that is turned: the narrower.
    turn_x = inputs < outputs

    def product(x, dy, place, rows):
        x = x[:, place :: strides[0]]
        moved_x = _moved(x, 2, columns, dy.shape[2], strides[1], turn=turn_x)
        moved_dy = _moved(dy, 1, [-row for row in rows.values()], x.shape[1], 1, turn=not turn_x)
        left, right = (moved_x, moved_dy) if turn_x else (moved_dy, moved_x)
        return jnp.dot(left.reshape(left.shape[0], -1), right.reshape(-1, right.shape[-1]), preferred_element_type=wide)

    def add(totals, x, dy):
        return [total + product(x, dy, *phase) for total, phase in zip(totals, phases, strict=True)]

    sides = [(window[1] * inputs, len(rows) * outputs) for _, rows in phases]
    totals = [jnp.zeros(side if turn_x else side[::-1], wide) for side in sides]
    totals = fold_groups(add, totals, x, dy, tiles=dy.shape[1] * dy.shape[2], at_most=_POSITIONS)
    # Apart from the transposition below: XLA:CPU has no bfloat16 product with both of its sides turned.
    totals = lax.optimization_barrier(totals)
    gradient = {}
    for total, (_, rows) in zip(totals, phases, strict=True):
        by_row = (total if turn_x else total.T).reshape(window[1], inputs, len(rows), outputs)
        gradient |= {row: by_row[:, :, number] for number, row in enumerate(rows)}
    return jnp.stack([gradient[row] for row in range(window[0])])


def _rows(window, stride, low, dilation):
    """For each place modulo the stride, the kernel's rows that meet it and how many rows of dy each lies ahead."""
    phases = []
    for place in range(stride):
        ahead = {row: row * dilation - low - place for row in range(window)}
        rows = {row: distance // stride for row, distance in ahead.items() if distance % stride == 0}
        if rows:
            phases.append((place, rows))
    return phases


def _moved(x, axis, offsets, size, stride, *, turn):
    """Side by side as channels, x from each offset on: `size` elements, `stride` apart, zero outside of x.

    (N, H, W, channels), or (channels, N, H, W) where turned.
    """
    x = to_bits(x)
    x, axis, channels = (jnp.moveaxis(x, -1, 0), axis + 1, 0) if turn else (x, axis, -1)
    low = max(0, -min(offsets))
    high = max(0, max(offsets) + stride * (size - 1) + 1 - x.shape[axis])
    x = lax.pad(x, jnp.zeros((), x.dtype), [(low, high, 0) if a == axis else (0, 0, 0) for a in range(x.ndim)])
    starts = [low + offset for offset in offsets]
    parts = [lax.slice_in_dim(x, start, start + stride * (size - 1) + 1, stride, axis) for start in starts]
    return from_bits(jnp.concatenate(parts, axis=channels))


def _sum_dtype(x):
    return jnp.promote_types(x.dtype, jnp.float32)
