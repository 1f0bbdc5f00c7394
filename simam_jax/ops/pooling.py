"""Pooling over windows of the two spatial axes, and the way back to a size."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float


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
        row-major order gets the whole gradient, as in PyTorch.
    """
    strides = strides or window
    if strides == window and padding == 0:
        return _max_pool_tiles(x, window)
    # Flax has no annotation there, and a string as the default.
    sides = ((padding, padding),) * 2
    return nn.max_pool(x, (window, window), (strides, strides), sides)  # pyright: ignore[reportArgumentType]


def adaptive_average_pool(x: Float[Array, "*batch H W C"], size: int) -> Float[Array, "*batch size size C"]:
    """The mean over size × size windows that cover the two spatial axes, as PyTorch's AdaptiveAvgPool2d.

    Window i of an axis of length L runs from ⌊i · L / size⌋ to ⌈(i + 1) · L / size⌉, so neighbours overlap where size
    does not divide L.

    Args:
        x: (..., H, W, C).
        size: windows along each axis; may exceed H or W.
    """
    rows, columns = (_window_weights(length, size).astype(x.dtype) for length in x.shape[-3:-1])
    # The weights are averages: rounded by a TPU's or TF32's products, they would no longer be.
    return jnp.einsum("...hwc,ih,jw->...ijc", x, rows, columns, precision=jax.lax.Precision.HIGHEST)


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
    values = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    total = nn.pooling.pool(values, 0.0, jax.lax.add, (window, window), (strides, strides), sides)

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


# XLA:CPU runs the gradient of a windowed maximum (select-and-scatter) one element at a time. Where windows do not
# overlap it is an elementwise comparison of the window's strided slices, 17 times faster.
def _maximum(x: Array, window: int) -> Array:
    y, *rest = _taps(x, window)
    for tap in rest:
        y = jnp.maximum(y, tap)
    return y


_max_pool_tiles = jax.custom_vjp(_maximum, nondiff_argnums=(1,))


def _taps(x: Array, window: int) -> list[Array]:
    """The window² strided slices of x that hold the windows' first, second, … elements."""
    height, width = (size // window * window for size in x.shape[-3:-1])
    return [x[..., i:height:window, j:width:window, :] for i in range(window) for j in range(window)]


def _forward(x: Array, window: int) -> tuple[Array, tuple[Array, Array]]:
    y = _max_pool_tiles(x, window)
    return y, (x, y)


def _backward(window: int, saved: tuple[Array, Array], dy: Array) -> tuple[Array]:
    x, y = saved
    free = jnp.ones(y.shape, bool)
    parts = []
    for tap in _taps(x, window):
        first = free & (tap == y)
        free &= ~first
        parts.append(jnp.where(first, dy, 0))
    *batch, h, w, channels = y.shape
    tiles = jnp.stack(parts, axis=-2).reshape(*batch, h, w, window, window, channels)
    dx = jnp.swapaxes(tiles, -4, -3).reshape(*batch, h * window, w * window, channels)
    rest = [(0, size - covered) for size, covered in zip(x.shape, dx.shape, strict=True)]
    return (jnp.pad(dx, rest),)


_max_pool_tiles.defvjp(_forward, _backward)
