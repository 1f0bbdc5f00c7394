"""SimAM for XLA:CPU, in passes over memory that run at full speed.

Barriers keep the compiler from writing to memory what passes share, such as x made wide, and from computing a channel's
numbers anew at every position. One barrier serves one pass: of two with the same operands it makes one.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops.simam_formula import Channels, total_of_image

Images = Float[Array, "*batch H W C"]


def forward(x: Images, e_lambda: Float[Array, ""]) -> tuple[Images, Channels]:
    """y, and each channel's mean and D, (..., 1, 1, C)."""
    count = x.shape[-3] * x.shape[-2]
    if x.dtype == jnp.bfloat16:
        # The variance is off by 2⁻²³ of the mean's square, in this form. A bfloat16 is itself off by more.
        total = total_of_image(_wide(x))
        squares = total_of_image(jnp.square(_wide(lax.optimization_barrier(x)))) - total * (total / count)
        channels = Channels(total / count, 4 * (jnp.maximum(squares, 0) / max(count - 1, 1) + e_lambda))
    else:
        channels = formula.statistics(_wide(x), e_lambda, count, total_of_image)
    again, mean, scale = lax.optimization_barrier((x, *channels))
    return formula.gated(_wide(again), Channels(mean, scale)).astype(x.dtype), channels


def backward(x: Images, dy: Images, channels: Channels) -> tuple[Images, Float[Array, "*batch 1 1 C"]]:
    """dx, and what each channel adds to λ's gradient."""
    through_variance, through_mean = _slopes(x, dy, channels)
    sums = _apart(through_variance, channels), _apart(through_mean, channels)
    x, dy, channels = lax.optimization_barrier((x, dy, channels))
    dx = formula.gradient(_wide(x), _wide(dy), channels, sums, count=x.shape[-3] * x.shape[-2])
    return dx.astype(x.dtype), formula.lambda_slope(sums, channels)


def _slopes(x: Images, dy: Images, channels: Channels) -> tuple[Array, Array]:
    """`formula.slopes` from one array that is written, p = dz·(x - μ) / D: they are Σ p·x - μ Σ p and D Σ p.

    Without D in it large x would overflow.
    """
    inverse = lax.optimization_barrier(1 / channels.scale)
    deviation = _wide(x) - channels.mean
    _, s = formula.gate(deviation, channels)
    product = _wide(dy) * _wide(x) * (s * (1 - s)) * (deviation * inverse)
    total = total_of_image(product)
    product, x = lax.optimization_barrier((product, x))
    return total_of_image(product * _wide(x)) - channels.mean * total, channels.scale * total


def _apart(sums: Array, channels: Channels) -> Array:
    """The sums unchanged, for D > 0; the select keeps XLA from making one slow operation of them and what follows."""
    return jnp.where(channels.scale > 0, sums, 0)


def _wide(x: Array) -> Array:
    return x.astype(jnp.float32)
