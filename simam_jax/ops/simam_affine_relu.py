"""SimAM with what follows it where a network has it before a batch norm, as one operation for inference."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from simam_jax.ops import simam_fused as fused
from simam_jax.ops.simam import Lambda, check_lambda, simam


def simam_affine_relu(
    x: Float[Array | np.ndarray, "*batch H W C"],
    scale: Float[Array | np.ndarray, "C"],
    bias: Float[Array | np.ndarray, "C"],
    e_lambda: Lambda = 1e-4,
) -> Float[Array, "*batch H W C"]:
    """`max(scale * simam(x, e_lambda) + bias, 0)`, a channel at a time: one pass over x where `simam` has kernels.

    With a batch norm's running statistics, scale = γ / √(var + ε) and bias = β - scale · mean.

    Args:
        x: (..., H, W, C).
        scale: what SimAM's output is multiplied by.
        bias: what is added then.
        e_lambda: as for `simam`.

    Returns:
        An array of x's shape and dtype; between SimAM and the ReLU nothing is rounded to 16 bits.

    Raises:
        ValueError: as for `simam`, x has fewer than three axes, or scale or bias is not one number a channel.
    """
    x, scale, bias = jnp.asarray(x), jnp.asarray(scale), jnp.asarray(bias)
    if x.ndim < 3 or not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(f"simam_affine_relu needs a floating array (..., H, W, C), got {x.dtype} of shape {x.shape}")
    if not scale.shape == bias.shape == x.shape[-1:]:
        raise ValueError(
            f"scale and bias are one number a channel, got {scale.shape} and {bias.shape} for x of {x.shape}"
        )
    if not fused.suits(x):
        return _one_by_one(x, e_lambda, scale, bias)
    check_lambda(e_lambda, jnp.float32)
    numbers = (jnp.asarray(number, jnp.float32) for number in (e_lambda, scale, bias))
    return _at_once(x, *numbers)


def _one_by_one(x: Array, e_lambda: Lambda, scale: Array, bias: Array) -> Array:
    y = simam(x.astype(jnp.promote_types(x.dtype, jnp.float32)), e_lambda)
    scale, bias = (number.astype(y.dtype).reshape((1,) * (x.ndim - 1) + (-1,)) for number in (scale, bias))
    return jnp.maximum(y * scale + bias, 0).astype(x.dtype)


@jax.custom_vjp
def _at_once(x: Array, e_lambda: Array, scale: Array, bias: Array) -> Array:
    return fused.forward_affine_relu(x, e_lambda, scale, bias)


# Training needs batch statistics, so a gradient is rarely asked for here: it is that of the operations one by one.
_at_once.defvjp(lambda *arrays: jax.vjp(_one_by_one, *arrays), lambda vjp, dy: vjp(dy))
