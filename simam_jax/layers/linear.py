"""The linear layer of attention modules."""

from flax import linen as nn
from jaxtyping import DTypeLike

from simam_jax.layers.initializers import pytorch_bias, pytorch_kernel


def linear(features: int, *, inputs: int, dtype: DTypeLike, name: str) -> nn.Dense:
    """A linear layer with a bias, both started as PyTorch does; over single positions it is a 1×1 convolution.

    Args:
        features: output channels.
        inputs: input channels, which the bias's start depends on.
        dtype: of the computation; the parameters are float32.
        name: in its parent.
    """
    return nn.Dense(features, dtype=dtype, kernel_init=pytorch_kernel, bias_init=pytorch_bias(inputs), name=name)
