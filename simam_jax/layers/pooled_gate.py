"""The gate that CBAM and triplet attention share: two numbers a position, one convolution."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.batch_norm import batch_norm
from simam_jax.layers.initializers import pytorch_kernel
from simam_jax.ops.largest import largest


def pooled_gate(
    x: Float[Array, "*batch P Q R"], kernel_size: int, *, train: bool, suffix: str = ""
) -> Float[Array, "*batch P Q 1"]:
    """`sigmoid(norm(conv([max over R, mean over R])))`: a gate for each position of the plane (P, Q).

    To be called in a compact method. It gives the module there a convolution `conv` without bias, padded to keep the
    plane's size, and a one-channel batch norm `bn` (ε 1e-5, keeps 0.99 of its statistics), both with suffix.
    """
    pooled = jnp.concatenate([largest(x, -1), x.mean(-1, keepdims=True)], axis=-1)
    logits = nn.Conv(
        1,
        (kernel_size, kernel_size),
        padding=(kernel_size - 1) // 2,
        use_bias=False,
        dtype=x.dtype,
        kernel_init=pytorch_kernel,
        name=f"conv{suffix}",
    )(pooled)
    return nn.sigmoid(batch_norm(train=train, dtype=x.dtype, name=f"bn{suffix}", keeps=0.99)(logits))
