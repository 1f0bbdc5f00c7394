"""Pooling over windows of the two spatial axes, and the way back to a size."""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.ops.derivative import with_derivative_of
from simam_jax.ops.image_groups import from_bits, to_bits
from simam_jax.ops.implementation import chosen
from simam_jax.ops.meshes import has_explicit_axes


def max_pool(
    x: Float[Array, "*batch H W C"], window: int, *, strides: int | None = None, padding: int = 0
) -> Float[Array, "*batch h w C"]:
    """The maximum over square windows of the two spatial axes, padded with -inf.

    Args:
        x: (..., H, W, C).
        window: the window's side, in positions.
        strides: between windows; the window's side unless given.
        padding: positions added on every side.

    Returns:
        (..., h, w, C) with h = (H + 2·padding - window) // strides + 1. Of equal maxima in a window the first in
        row-major order gets the whole gradient, as in PyTorch. It has a forward mode (`jax.jvp`) over its
        gradient only; under `implementation("xla")` it has any.
    """
    strides = strides or window
    if chosen() == "xla" or has_explicit_axes(x):
        return _stock_max_pool(x, window, strides, padding)
    return _max_pool(x, window, strides, padding)


def adaptive_average_pool(x: Float[Array, "*batch H W C"], size: int) -> Float[Array, "*batch size size C"]:
    """The mean over size × size windows that cover the two spatial axes, as PyTorch's AdaptiveAvgPool2d.

    Window i of an axis of length L runs from ⌊i · L / size⌋ to ⌈(i + 1) · L / size⌉, so neighbours overlap where size
    does not divide L. Unlike there, an infinity leaves no position of its channel finite.

    Args:
        x: (..., H, W, C).
        size: windows along each axis; may exceed H or W.
    """
    values = _wide(x)
    rows, columns = (_window_weights(length, size).astype(values.dtype) for length in x.shape[-3:-1])
    # The weights are averages: rounded by a TPU's or TF32's products, they would no longer be.
    y = jnp.einsum("...hwc,ih,jw->...ijc", values, rows, columns, precision=jax.lax.Precision.HIGHEST)
    return y.astype(x.dtype)


def _window_weights(length: int, size: int) -> np.ndarray:
    weights = np.zeros((size, length))
    for window in range(size):
        first, end = window * length // size, -(-(window + 1) * length // size)
        weights[window, first:end] = 1 / (end - first)
    return weights


def average_pool(
    x: Float[Array, "*batch H W C"], window: int, *, strides: int | None = None, padding: int = 0
) -> Float[Array, "*batch h w C"]:
    """The mean over square windows of the two spatial axes; what is padded does not count.

    Args:
        x: (..., H, W, C).
        window: the window's side, in positions.
        strides: between windows; the window's side unless given.
        padding: positions added on every side, fewer than the window has.

    Returns:
        (..., h, w, C) with h = (H + 2·padding - window) // strides + 1; sums are float32 for 16-bit x.
    """
    strides = strides or window
    sides = ((padding, padding),) * 2
    values = x.astype(jnp.promote_types(x.dtype, jnp.float32)).reshape(-1, *x.shape[-3:])
    total = nn.pooling.pool(values, 0.0, jax.lax.add, (window, window), (strides, strides), sides)
    total = total.reshape(*x.shape[:-3], *total.shape[1:])

    def counted(size: int, windows: int) -> np.ndarray:
        start = np.arange(windows) * strides - padding
        return np.minimum(start + window, size) - np.maximum(start, 0)

    count = np.multiply.outer(*(counted(size, n) for size, n in zip(x.shape[-3:-1], total.shape[-3:-1], strict=True)))
    count = jnp.asarray(count.reshape((1,) * (x.ndim - 3) + (*count.shape, 1)), values.dtype)
    return (total / count).astype(x.dtype)


def upsample_nearest(x: Float[Array, "*batch h w C"], height: int, width: int) -> Float[Array, "*batch H W C"]:
    """x at another size: position i of H takes position i·h // H, as in PyTorch."""
    rows, columns = (np.arange(size) * old // size for size, old in ((height, x.shape[-3]), (width, x.shape[-2])))
    return jnp.take(jnp.take(x, rows, axis=-3), columns, axis=-2)


def _stock_max_pool(x: Array, window: int, strides: int, padding: int) -> Array:
    sides = ((padding, padding),) * 2
    # Flax takes one batch axis; it has no annotation for the sides, and a string as the default.
    folded = x.reshape(-1, *x.shape[-3:])
    y = nn.max_pool(folded, (window, window), (strides, strides), sides)  # pyright: ignore[reportArgumentType]
    return y.reshape(*x.shape[:-3], *y.shape[1:])


# XLA:CPU runs the gradient of a windowed maximum (select-and-scatter) one element at a time, and the maximum too in
# bfloat16. There both are elementwise, of the strided slices of x that hold the windows' first, second, … elements.
def _largest(x: Array, window: int, strides: int, padding: int) -> Array:
    stock = partial(_stock_max_pool, window=window, strides=strides, padding=padding)

    def own(x: Array) -> Array:
        return reduce(jnp.maximum, _wide_taps(x, window, strides, padding)).astype(x.dtype)

    return jax.lax.platform_dependent(x, cpu=with_derivative_of(stock, own), default=stock)


def _save(x: Array, window: int, strides: int, padding: int) -> tuple[Array, Array]:
    return _largest(x, window, strides, padding), x


def _differentiate(window: int, strides: int, padding: int, x: Array, dy: Array) -> tuple[Array]:
    def stock(x: Array, dy: Array) -> Array:
        return jax.vjp(lambda x: _stock_max_pool(x, window, strides, padding), x)[1](dy)[0]

    def own(x: Array, dy: Array) -> Array:
        # By > among themselves, never by == with the forward pass's maximum: where XLA computes x once more, fused
        # with what made it, the last bit may differ, and no element would be equal.
        largest, *others = _wide_taps(x, window, strides, padding)
        first = jnp.zeros(dy.shape, jnp.int8 if window < 12 else jnp.int32)
        for number, tap in enumerate(others, start=1):
            first = jnp.where(tap > largest, jnp.asarray(number, first.dtype), first)
            largest = jnp.maximum(largest, tap)
        # Kept once, or each of the parts below would look for it again.
        first = jax.lax.optimization_barrier(first)
        parts = [jnp.where(first == number, _wide(dy), 0) for number in range(window**2)]
        put_back = _put_tiles_back if strides == window and padding == 0 else _add_taps_back
        return put_back(parts, x.shape, window, strides, padding).astype(x.dtype)

    return (jax.lax.platform_dependent(x, dy, cpu=own, default=stock),)


_max_pool = jax.custom_vjp(_largest, nondiff_argnums=(1, 2, 3))
_max_pool.defvjp(_save, _differentiate)


def _wide(x: Array) -> Array:
    """XLA:CPU converts 16-bit values at every operation; once is faster, and exact."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _wide_taps(x: Array, window: int, strides: int, padding: int) -> list[Array]:
    """The windows' first, second, … elements, padded with -inf, in float32 or wider."""
    sides = [(padding, padding, 0) if axis in (x.ndim - 3, x.ndim - 2) else (0, 0, 0) for axis in range(x.ndim)]
    # Sliced as bits: XLA:CPU would write bfloat16 to memory as the float32 that it is widened to.
    padded = jax.lax.pad(to_bits(x), to_bits(jnp.asarray(-jnp.inf, x.dtype)), sides)
    height, width = (max(0, size - window + 1) for size in padded.shape[-3:-1])
    return [
        _wide(from_bits(padded[..., i : i + height : strides, j : j + width : strides, :]))
        for i in range(window)
        for j in range(window)
    ]


def _put_tiles_back(parts: list[Array], shape: tuple[int, ...], window: int, strides: int, padding: int) -> Array:
    """Where windows do not overlap, every position has one part."""
    del strides, padding
    *batch, h, w, channels = parts[0].shape
    tiles = jnp.stack(parts, axis=-2).reshape(*batch, h, w, window, window, channels)
    dx = jnp.swapaxes(tiles, -4, -3).reshape(*batch, h * window, w * window, channels)
    return jnp.pad(dx, [(0, size - covered) for size, covered in zip(shape, dx.shape, strict=True)])


def _add_taps_back(parts: list[Array], shape: tuple[int, ...], window: int, strides: int, padding: int) -> Array:
    """Every part spread by the stride and moved to its place in the window, and their sum."""
    total = jnp.zeros(shape, parts[0].dtype)
    for number, part in enumerate(parts):
        sides = [(0, 0, 0)] * len(shape)
        for axis, place in zip((-3, -2), divmod(number, window), strict=True):
            low, covered = place - padding, (part.shape[axis] - 1) * strides + 1
            sides[axis] = (low, shape[axis] - low - covered, strides - 1)
        total += jax.lax.pad(part, jnp.zeros((), total.dtype), sides)
    return total
