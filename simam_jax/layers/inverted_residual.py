"""The inverted residual of MobileNetV2 (Sandler et al., CVPR 2018, https://arxiv.org/abs/1801.04381)."""

from functools import partial
from typing import ClassVar

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.factories import Activation, ModuleFactory
from simam_jax.layers.placement import Placed, Positions
from simam_jax.layers.residual import project


class InvertedResidual(nn.Module):
    """conv1 1×1 to the inner width, bn1, act, conv2 3×3 a channel at a time, bn2, act, conv3 1×1, bn3, add.

    The addition is where the stride is 1 and the input fits. "add" is the block's end, also where nothing is added.

    Attributes:
        features: output channels.
        strides: of conv2.
        expansion: the inner width over the input's; with 1 there is no conv1 and bn1.
        conv, norm, act: factories of convolutions and norms, and the activation.
        attention: the attention and where it stands.
        always_expand: have conv1 and bn1 whatever the expansion, as the CIFAR network does.
        project_shortcut: where the stride is 1 and the input does not fit, make it fit by a 1×1 convolution and norm,
            as the CIFAR network does.
    """

    features: int
    strides: int
    expansion: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    attention: Placed
    always_expand: bool = False
    project_shortcut: bool = False

    positions: ClassVar[Positions] = Positions(("conv2", "bn2", "conv3", "bn3", "add"), simam="conv2", others="bn3")

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool) -> Float[Array, "*batch h w features"]:
        """The block's output, with `features` channels, not activated."""
        attend = partial(self.attention, train=train)
        width = x.shape[-1] * self.expansion
        y = x
        if self.expansion != 1 or self.always_expand:
            y = self.act(self.norm(name="bn1")(self.conv(width, 1, name="conv1")(y)))
        y = attend("conv2", self.conv(width, 3, self.strides, groups=width, name="conv2")(y))
        y = self.act(attend("bn2", self.norm(name="bn2")(y)))
        y = attend("conv3", self.conv(self.features, 1, name="conv3")(y))
        y = attend("bn3", self.norm(name="bn3")(y))
        if self.strides == 1 and (x.shape[-1] == self.features or self.project_shortcut):
            y = y + project(x, self.features, 1, self.conv, self.norm)
        return attend("add", y)
