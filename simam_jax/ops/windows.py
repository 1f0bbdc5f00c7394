"""What the places of a convolution's window see of its input."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Shaped

from simam_jax.ops.image_groups import from_bits, to_bits

Pairs = Sequence[tuple[int, int]]


def taps_of(
    x: Shaped[Array, "N H W C"], window: Sequence[int], strides: Sequence[int], padding: Pairs, dilation: Sequence[int]
) -> list[Shaped[Array, "N h w C"]]:
    """For each place of the window, in row-major order, what it sees of x."""
    padded = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *((low, high, 0) for low, high in padding), (0, 0, 0)])
    reach = [max(0, padded.shape[axis + 1] - (window[axis] - 1) * dilation[axis]) for axis in (0, 1)]
    return [
        padded[:, i * dilation[0] :, j * dilation[1] :][:, : reach[0] : strides[0], : reach[1] : strides[1]]
        for i in range(window[0])
        for j in range(window[1])
    ]


def windows_of(
    x: Shaped[Array, "N H W C"], window: Sequence[int], strides: Sequence[int], padding: Pairs, dilation: Sequence[int]
) -> Shaped[Array, "N h w windows"]:
    """What every position sees of x, its places side by side."""
    # As bits: XLA:CPU would put bfloat16 side by side in float32.
    return from_bits(jnp.concatenate(taps_of(to_bits(x), window, strides, padding, dilation), axis=-1))
