"""The residual blocks of ResNet, basic and bottleneck (He et al., CVPR 2016, https://arxiv.org/abs/1512.03385)."""

from functools import partial
from typing import ClassVar

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.factories import Activation, ModuleFactory
from simam_jax.layers.placement import Placed, Positions


class BasicBlock(nn.Module):
    """conv1 3×3, bn1, act, conv2 3×3, bn2, add, act.

    Attributes:
        features: width of the convolutions.
        strides: of conv1 and of the shortcut.
        conv, norm, act: factories of convolutions and norms, and the activation.
        attention: the attention and where it stands.
        average_shortcut: a shortcut that shrinks averages first, as in ResNet-D.
    """

    features: int
    strides: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    attention: Placed
    average_shortcut: bool = False

    expansion: ClassVar[int] = 1
    positions: ClassVar[Positions] = Positions(("conv2", "bn2", "add"), simam="conv2", others="bn2")

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool) -> Float[Array, "*batch h w features"]:
        """The block's output, with `features` channels."""
        attend = partial(self.attention, train=train)
        y = self.act(self.norm(name="bn1")(self.conv(self.features, 3, self.strides, name="conv1")(x)))
        y = attend("conv2", self.conv(self.features, 3, name="conv2")(y))
        y = attend("bn2", self.norm(name="bn2")(y))
        shortcut = project(x, self.features, self.strides, self.conv, self.norm, average=self.average_shortcut)
        return self.act(attend("add", y + shortcut))


class Bottleneck(nn.Module):
    """conv1 1×1, bn1, act, conv2 3×3, bn2, act, conv3 1×1, bn3, add, act; the stride is conv2's (ResNet v1.5).

    Attributes:
        features: a quarter of the output's channels.
        strides: of conv2 and of the shortcut.
        conv, norm, act: factories of convolutions and norms, and the activation.
        attention: the attention and where it stands.
        groups: of conv2.
        width_per_group: channels of a group of conv2 where features is 64, and in proportion elsewhere.
        average_shortcut: a shortcut that shrinks averages first, as in ResNet-D.
    """

    features: int
    strides: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    attention: Placed
    groups: int = 1
    width_per_group: int = 64
    average_shortcut: bool = False

    expansion: ClassVar[int] = 4
    positions: ClassVar[Positions] = Positions(("conv2", "bn2", "conv3", "bn3", "add"), simam="conv2", others="bn3")

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool) -> Float[Array, "*batch h w outputs"]:
        """The block's output, with 4 · features channels."""
        attend = partial(self.attention, train=train)
        width = self.features * self.width_per_group // 64 * self.groups
        outputs = self.features * self.expansion
        y = self.act(self.norm(name="bn1")(self.conv(width, 1, name="conv1")(x)))
        y = attend("conv2", self.conv(width, 3, self.strides, groups=self.groups, name="conv2")(y))
        y = self.act(attend("bn2", self.norm(name="bn2")(y)))
        y = attend("conv3", self.conv(outputs, 1, name="conv3")(y))
        y = attend("bn3", self.norm(name="bn3")(y))
        shortcut = project(x, outputs, self.strides, self.conv, self.norm, average=self.average_shortcut)
        return self.act(attend("add", y + shortcut))


def project(
    x: Float[Array, "*batch H W C"],
    features: int,
    strides: int,
    conv: ModuleFactory,
    norm: ModuleFactory,
    *,
    average: bool = False,
) -> Float[Array, "*batch h w features"]:
    """A block's shortcut: x where it fits already, else by a 1×1 convolution and norm of the block that calls this.

    Args:
        x: the block's input.
        features, strides: of the block's output.
        conv, norm: factories.
        average: shrink by the mean over strides × strides tiles, not by the convolution's stride; tiles that
            overhang the edge average what they have.
    """
    if x.shape[-1] == features and strides == 1:
        return x
    if average and strides > 1:
        x = nn.avg_pool(x, (strides, strides), (strides, strides), "SAME", count_include_pad=False)
        strides = 1
    return norm(name="shortcut_bn")(conv(features, 1, strides, name="shortcut_conv")(x))
