"""SimAM's closed form, forward and backward, on arrays of 32 or 64 bits, for XLA, the kernels and mostly for a CPU.

A channel has M positions, mean μ, variance σ² = Σ(x - μ)² / (M - 1) and D = 4 (σ² + λ). With t = (x - μ)² / D the
inverse energy of a neuron is t + 1/2 and its gate s = sigmoid(t + 1/2) (Yang et al., ICML 2021, eq. 5 and 6).

`total` sums over a channel's positions and keeps the axes. `count` is M, a number or an array a channel. `where` is
True at the positions that count, or None where all do; at the others the functions give 0, whatever is there.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Total = Callable[[Array], Array]
Count = int | Array
Where = Bool[Array, "..."] | None


class Channels(NamedTuple):
    """What the backward pass needs of the forward one besides x: two numbers a channel."""

    mean: Float[Array, "..."]
    scale: Float[Array, "..."]
    """D = 4 (σ² + λ)."""


def total_of_image(values: Array) -> Array:
    """The `Total` of arrays (..., H, W, C)."""
    return values.sum((-3, -2), keepdims=True)


def statistics(x: Array, e_lambda: Array, count: Count, total: Total, where: Where = None) -> Channels:
    """Mean and D of every channel."""
    mean, squares = mean_and_squares(x, count, total, where)
    return Channels(mean, 4 * (squares / _at_least_one(count - 1) + e_lambda))


def mean_and_squares(x: Array, count: Count, total: Total, where: Where = None) -> tuple[Array, Array]:
    """μ and Σ(x - μ)², the mean first and then the squares: a large mean costs no digits."""
    mean = total(_only(where, x)) / _at_least_one(count)
    return mean, total(jnp.square(_only(where, x - mean)))


def gated(x: Array, channels: Channels, where: Where = None) -> Array:
    """x · s."""
    return _only(where, x * gate(_only(where, x - channels.mean), channels)[1])


def slopes(x: Array, dy: Array, channels: Channels, total: Total, where: Where = None) -> tuple[Array, Array]:
    """What `gradient` needs of the whole channel: Σ dz·t and Σ dz·(x - μ), with dz = dy·x·s·(1 - s)."""
    deviation = _only(where, x - channels.mean)
    t, s = gate(deviation, channels)
    dz = _only(where, dy * x * (s * (1 - s)))
    return total(dz * t), total(dz * deviation)


def gradient(
    x: Array, dy: Array, channels: Channels, sums: tuple[Array, Array], *, count: Count, where: Where = None
) -> Array:
    """dx = dy·s + 2/D · ((x - μ) (dz - 4 Σdz·t / (M - 1)) - Σdz·(x - μ) / M)."""
    deviation = _only(where, x - channels.mean)
    _, s = gate(deviation, channels)
    dz = dy * x * (s * (1 - s))
    through_variance, through_mean = 4 * sums[0] / _at_least_one(count - 1), sums[1] / _at_least_one(count)
    dx = dy * s + (2 / channels.scale) * (deviation * (dz - through_variance) - through_mean)
    return _only(where, dx)


def lambda_slope(sums: tuple[Array, Array], channels: Channels) -> Array:
    """What each channel adds to λ's gradient: -4 Σdz·t / D."""
    return -4 * sums[0] / channels.scale


def gate(deviation: Array, channels: Channels) -> tuple[Array, Array]:
    """t and s of the neurons at x - μ."""
    t = jnp.square(deviation) / channels.scale
    return t, jax.nn.sigmoid(t + 0.5)


# A single position has no variance, and a mask of nothing no mean: there the sums are 0, and dividing by 1 keeps them.
def _at_least_one(count: Count) -> Count:
    return max(count, 1) if isinstance(count, int) else jnp.maximum(count, 1)


def _only(where: Where, values: Array) -> Array:
    return values if where is None else jnp.where(where, values, 0)
