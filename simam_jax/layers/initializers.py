"""How the sources' frameworks and papers start a layer, where Flax starts it otherwise."""

import math
from collections.abc import Callable

import jax
from flax import linen as nn
from jaxtyping import Array

he_normal_fan_in = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
"""Normal of variance 2 / fan_in, not truncated (He et al., ICCV 2015, https://arxiv.org/abs/1502.01852)."""

he_normal_fan_out = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
"""Normal of variance 2 / fan_out, not truncated: the same paper's other choice, and that of ResNets."""

pytorch_kernel = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""Uniform in ±1/√fan_in, with which PyTorch starts convolutions and linear layers unless told otherwise."""


def pytorch_bias(fan_in: int) -> Callable[..., Array]:
    """Uniform in ±1/√fan_in, likewise; `fan_in` is the number of inputs of one output."""

    def init(key, shape, dtype=float):
        bound = 1 / math.sqrt(fan_in)
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init
