"""Batch normalisation over all axes but the last, with its gradient in closed form.

Source: Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167. JAX's derivative of the formula goes through mean and
variance one after the other, and keeps x - mean in float32 for it. Here x and two numbers a channel are kept, and the
gradient is one pass for the sums of all positions and one for the rest:

    dx = scale / √(variance + ε) · (dy - mean(dy) - x̂ · mean(dy · x̂))          x̂ = (x - mean) / √(variance + ε)
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from simam_jax.ops.image_groups import fold_groups
from simam_jax.ops.implementation import chosen, may_go_in_turn
from simam_jax.ops.meshes import varying_alike

# Smaller arrays, and such as make thin matrices, are summed as fast whole.
_VALUES, _CHANNELS = 2**20, 32
_POSITIONS = 2048


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
    total, slope = _channel_sums(lambda x, dy: (dy, dy * (x - _over(x, mean))), x, dy)
    deviation = _wide(x) - _over(x, mean)
    dx = _over(x, scale * root) * (_wide(dy) - _over(x, total / count) - deviation * _over(x, root**2 * slope / count))
    # Of what is made of the batch's mean and variance themselves; running statistics have no gradient.
    dx += _over(x, d_mean / count) + deviation * _over(x, 2 * d_variance / count)
    return dx.astype(x.dtype), (root * slope).astype(scale.dtype), total.astype(scale.dtype)


_batch_norm.defvjp(_save, _differentiate)


def _moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance of every channel."""
    count = x.size // x.shape[-1]
    total, squares = _channel_sums(lambda x: (x, x * x), x)
    mean = total / count
    return mean, jnp.maximum(squares / count - mean**2, 0)


def _channel_sums(terms: Callable[..., tuple[Array, ...]], *arrays: Array) -> tuple[Array, ...]:
    """Sums over all axes but the last of what `terms` makes of the arrays in float32.

    XLA:CPU writes what it sums to memory first. A few images' stays in the cache, where sums are matrix products.
    """

    def whole(*arrays: Array) -> tuple[Array, ...]:
        return tuple(term.sum(tuple(range(term.ndim - 1))) for term in terms(*map(_wide, arrays)))

    def in_groups(*arrays: Array) -> tuple[Array, ...]:
        def add(totals: tuple[Array, ...], *group: Array) -> tuple[Array, ...]:
            parts = terms(*(_wide(each).reshape(-1, channels) for each in group))
            return tuple(total + _total(part) for total, part in zip(totals, parts, strict=True))

        none = jax.tree.map(lambda like: jnp.zeros(channels, like.dtype), jax.eval_shape(whole, *arrays))
        positions = arrays[0][0].size // channels
        return fold_groups(add, none, *arrays, tiles=positions, at_most=_POSITIONS)

    channels = arrays[0].shape[-1]
    if not may_go_in_turn(arrays[0]) or arrays[0].size < _VALUES or channels < _CHANNELS:
        return whole(*arrays)
    return cast(tuple[Array, ...], lax.platform_dependent(*arrays, cpu=in_groups, default=whole))


def _total(values: Array) -> Array:
    return jnp.matmul(jnp.ones((1, values.shape[0]), values.dtype), values, precision=lax.Precision.HIGHEST)[0]


def _over(x: Array, channels: Array) -> Array:
    """A number a channel, in x's rank."""
    return channels.reshape((1,) * (x.ndim - 1) + channels.shape)


def _wide(x: Array) -> Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
