"""Batch normalisation over all axes but the last, with its gradient in closed form.

Source: Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167. JAX's derivative of the formula goes through mean and
variance one after the other, and keeps x - mean in float32 for it. Here x and two numbers a channel are kept, and the
gradient is one pass for the sums of all positions, on a CPU one for each, and one for the rest:

    dx = scale / √(variance + ε) · (dy - mean(dy) - x̂ · mean(dy · x̂))          x̂ = (x - mean) / √(variance + ε)

mean(dy · x̂) is made of the sums of dy · x and of dy. Like the variance, which is made of those of x² and of x, it has
fewer digits the more standard deviations the mean lies from 0.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from simam_jax.ops.implementation import chosen
from simam_jax.ops.meshes import varying_alike


class BatchNormed(NamedTuple):
    """What a batch norm gives in training.

    Attributes:
        y: of the input's shape and dtype.
        mean, variance: of the batch, float32 or wider; the variance is the biased one.
    """

    y: Float[Array, "*batch C"]
    mean: Float[Array, "C"]
    variance: Float[Array, "C"]


def batch_norm(
    x: Float[Array, "*batch C"], scale: Float[Array, "C"], bias: Float[Array, "C"], *, epsilon: float
) -> BatchNormed:
    """x normalised by the mean and variance of its batch, in float32 or wider.

    The variance is the mean of squares less the square of the mean, and never below 0, as in Flax. With
    `implementation("xla")` the gradient is JAX's, and there is a forward mode (`jax.jvp`).
    """
    if chosen() == "xla":
        return _normalised(x, scale, bias, _moments(x), epsilon)
    return BatchNormed(*cast(tuple, _batch_norm(*varying_alike(x, scale, bias), epsilon)))


def normalise_channels(
    x: Float[Array, "*batch C"],
    mean: Float[Array, "C"],
    variance: Float[Array, "C"],
    scale: Float[Array, "C"],
    bias: Float[Array, "C"],
    *,
    epsilon: float,
) -> Float[Array, "*batch C"]:
    """(x - mean) / √(variance + ε) · scale + bias, computed in float32 or wider, of x's dtype."""
    slope = lax.rsqrt(variance + epsilon) * scale
    return ((_wide(x) - _over(x, mean)) * _over(x, slope) + _over(x, bias)).astype(x.dtype)


def _normalised(x: Array, scale: Array, bias: Array, moments: tuple[Array, Array], epsilon: float) -> BatchNormed:
    mean, variance = moments
    return BatchNormed(normalise_channels(x, mean, variance, scale, bias, epsilon=epsilon), mean, variance)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def _batch_norm(x: Array, scale: Array, bias: Array, epsilon: float) -> tuple[Array, ...]:
    return _save(x, scale, bias, epsilon)[0]


def _save(x: Array, scale: Array, bias: Array, epsilon: float):
    normed = _normalised(x, scale, bias, _moments(x), epsilon)
    return tuple(normed), (x, scale, normed.mean, normed.variance)


def _differentiate(epsilon: float, saved: tuple, cotangents: tuple) -> tuple[Array, Array, Array]:
    (x, scale, mean, variance), (dy, d_mean, d_variance) = saved, map(jnp.asarray, cotangents)
    count = x.size // x.shape[-1]
    root = lax.rsqrt(variance + epsilon)
    total, product = _channel_sums((lambda x, dy: dy, jnp.multiply), x, dy)
    slope = product - mean * total
    deviation = _wide(x) - _over(x, mean)
    dx = _over(x, scale * root) * (_wide(dy) - _over(x, total / count) - deviation * _over(x, root**2 * slope / count))
    # Of what is made of the batch's mean and variance themselves; running statistics have no gradient.
    dx += _over(x, d_mean / count) + deviation * _over(x, 2 * d_variance / count)
    return dx.astype(x.dtype), (root * slope).astype(scale.dtype), total.astype(scale.dtype)


_batch_norm.defvjp(_save, _differentiate)


def _moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance of every channel."""
    count = x.size // x.shape[-1]
    total, squares = _channel_sums((lambda x: x, jnp.square), x)
    mean = total / count
    return mean, jnp.maximum(squares / count - mean**2, 0)


def _channel_sums(terms: Sequence[Callable[..., Array]], *arrays: Array) -> list[Array]:
    """Sums over all axes but the last of each term, which is made of the arrays in float32 or wider."""

    def summed(term: Callable[..., Array], arrays: Sequence[Array]) -> Array:
        value = term(*map(_wide, arrays))
        return value.sum(tuple(range(value.ndim - 1)))

    def together(*arrays: Array) -> list[Array]:
        return [summed(term, arrays) for term in terms]

    def apart(*arrays: Array) -> list[Array]:
        # XLA:CPU widens within a sum, but what it shares with another, or with the rest, it first writes to memory.
        # Each sum has a barrier of its own, since of two with the same operands XLA makes one.
        totals: list[Array] = []
        for term in terms:
            again, _ = lax.optimization_barrier((arrays, totals[-1:]))
            totals.append(summed(term, again))
        return totals

    if chosen() == "xla":
        return together(*arrays)
    return lax.platform_dependent(*arrays, cpu=apart, default=together)


def _over(x: Array, channels: Array) -> Array:
    """A number a channel, in x's rank."""
    return channels.reshape((1,) * (x.ndim - 1) + channels.shape)


def _wide(x: Array) -> Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
