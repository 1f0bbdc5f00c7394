"""How the sources' papers and frameworks start a layer, where Flax starts it otherwise."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, DTypeLike

he_normal_fan_in = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
"""Normal of variance 2 / fan_in, not truncated (He et al., ICCV 2015, https://arxiv.org/abs/1502.01852)."""

he_normal_fan_out = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
"""Normal of variance 2 / fan_out, not truncated: the same paper's other choice, and that of ResNets."""

pytorch_kernel = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""Uniform in ±1/√fan_in, with which PyTorch starts linear layers and convolutions (Kaiming uniform with a = √5)."""


def pytorch_bias(fan_in: int) -> Callable[..., Array]:
    """An initialiser of a bias, uniform in ±1/√fan_in, likewise.

    Args:
        fan_in: what one output of the layer sums over: the inputs of a linear layer, and of a convolution the kernel's
            positions times its input channels, divided by its groups.

    Raises:
        ValueError: fan_in is not positive.
    """
    if fan_in < 1:
        raise ValueError(f"pytorch_bias: fan_in must be at least 1, got {fan_in}")
    bound = 1 / math.sqrt(fan_in)

    def init(key: Array, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init
