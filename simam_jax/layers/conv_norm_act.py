"""Convolution, norm, activation."""

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.factories import Activation, ModuleFactory


class ConvNormAct(nn.Module):
    """A square convolution, then norm, then activation.

    Attributes:
        features: output channels.
        conv, norm, act: factories of the convolution and the norm, and the activation function.
        kernel_size, strides: of the convolution, on both axes.
    """

    features: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    kernel_size: int = 3
    strides: int = 1

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"]) -> Float[Array, "*batch h w features"]:
        """Transforms x; the norm's factory says whether it is training."""
        x = self.conv(self.features, self.kernel_size, self.strides, name="conv")(x)
        return self.act(self.norm(name="norm")(x))
