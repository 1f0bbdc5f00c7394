"""PyTorch's default initialisation of linear and convolution layers, for networks whose reference leaves it at that.

PyTorch calls it Kaiming uniform with a = √5 (https://pytorch.org/docs/stable/generated/torch.nn.Linear.html): kernel
and bias are both uniform in ±1/√fan_in.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.nn.initializers import Initializer
from jaxtyping import Array, DTypeLike

pytorch_kernel: Initializer = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""A kernel uniform in ±1/√fan_in."""


def pytorch_bias(fan_in: int) -> Callable[..., Array]:
    """An initialiser of a bias, uniform in ±1/√fan_in.

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
