"""SimAM for XLA:CPU, in passes over memory that run at full speed.

The compiler has its own mind about what to join in one loop and what to write to memory, and here it is kept from three
things. What passes share, such as x made wide, it would write: an `optimization_barrier` tied to other numbers makes
each pass take x itself. A channel's numbers it would compute anew at every position: behind a barrier it does not. And
sums together with all that needs them it would run as one slow operation: see `_apart`.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops.simam_formula import Channels

Images = Float[Array, "*batch H W C"]


def forward(x: Images, e_lambda: Float[Array, ""]) -> tuple[Images, Channels]:
    """y, and each channel's mean and D, (..., 1, 1, C)."""
    count = x.shape[-3] * x.shape[-2]
    if x.dtype == jnp.float32:
        channels = formula.statistics(x, e_lambda, count, _total)
    else:
        # The difference of two large sums is off by 2⁻²³ of the mean's square. A 16-bit x is itself off by more.
        total = _total(_wide(x))
        squares = _total(jnp.square(_wide(lax.optimization_barrier(x)))) - total * total / count
        channels = Channels(total / count, 4 * (jnp.maximum(squares, 0) / max(count - 1, 1) + e_lambda))
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
    total = _total(product)
    product, x = lax.optimization_barrier((product, x))
    return _total(product * _wide(x)) - channels.mean * total, channels.scale * total


def _apart(sums: Array, channels: Channels) -> Array:
    """The sums, since D is positive; a select is what XLA's fusions into its library of kernels stop at."""
    return jnp.where(channels.scale > 0, sums, 0)


def _total(values: Array) -> Array:
    return values.sum((-3, -2), keepdims=True)


def _wide(x: Array) -> Array:
    return x.astype(jnp.float32)
