"""Residual blocks whose norm and activation come first.

Sources: PreResNet (He et al., ECCV 2016, https://arxiv.org/abs/1603.05027) and WideResNet (Zagoruyko & Komodakis,
BMVC 2016, https://arxiv.org/abs/1605.07146).
"""

from functools import partial
from typing import ClassVar

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.factories import Activation, ModuleFactory
from simam_jax.layers.placement import Placed, Positions


class PreBasicBlock(nn.Module):
    """bn1, act, conv1 3×3, bn2, act, conv2 3×3, add; a shortcut that must fit is a 1×1 convolution of the input.

    Attributes:
        features: width of the convolutions.
        strides: of conv1 and of the shortcut.
        conv, norm, act: factories of convolutions and norms, and the activation.
        attention: the attention and where it stands.
    """

    features: int
    strides: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    attention: Placed

    expansion: ClassVar[int] = 1
    positions: ClassVar[Positions] = Positions(("bn2", "conv2", "add"), simam="conv2", others="conv2")

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool) -> Float[Array, "*batch h w features"]:
        """The block's output, with `features` channels, not activated."""
        attend = partial(self.attention, train=train)
        y = self.act(self.norm(name="bn1")(x))
        y = self.conv(self.features, 3, self.strides, name="conv1")(y)
        y = self.act(attend("bn2", self.norm(name="bn2")(y)))
        y = attend("conv2", self.conv(self.features, 3, name="conv2")(y))
        return attend("add", y + _fit(x, self.features, self.strides, self.conv))


class PreBottleneck(nn.Module):
    """bn1, act, conv1 1×1, bn2, act, conv2 3×3, bn3, act, conv3 1×1, add; the shortcut is that of `PreBasicBlock`.

    Attributes:
        features: a quarter of the output's channels.
        strides: of conv2 and of the shortcut.
        conv, norm, act: factories of convolutions and norms, and the activation.
        attention: the attention and where it stands.
    """

    features: int
    strides: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    attention: Placed

    expansion: ClassVar[int] = 4
    positions: ClassVar[Positions] = Positions(("bn2", "conv2", "bn3", "conv3", "add"), simam="conv2", others="conv3")

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool) -> Float[Array, "*batch h w outputs"]:
        """The block's output, with 4 · features channels, not activated."""
        attend = partial(self.attention, train=train)
        outputs = self.features * self.expansion
        y = self.act(self.norm(name="bn1")(x))
        y = self.conv(self.features, 1, name="conv1")(y)
        y = self.act(attend("bn2", self.norm(name="bn2")(y)))
        y = attend("conv2", self.conv(self.features, 3, self.strides, name="conv2")(y))
        y = self.act(attend("bn3", self.norm(name="bn3")(y)))
        y = attend("conv3", self.conv(outputs, 1, name="conv3")(y))
        return attend("add", y + _fit(x, outputs, self.strides, self.conv))


class WideBasicBlock(nn.Module):
    """bn1, act, conv1 3×3, bn2, act, dropout, conv2 3×3, add; where the width changes, the shortcut is a 1×1
    convolution of the activated input.

    Attributes:
        features: width of the convolutions.
        strides: of conv1 and of the shortcut.
        conv, norm, act: factories of convolutions and norms, and the activation.
        attention: the attention and where it stands.
        dropout: probability of a zero between the convolutions.
    """

    features: int
    strides: int
    conv: ModuleFactory
    norm: ModuleFactory
    act: Activation
    attention: Placed
    dropout: float = 0.0

    expansion: ClassVar[int] = 1
    positions: ClassVar[Positions] = Positions(("bn2", "conv2", "add"), simam="conv2", others="conv2")

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool) -> Float[Array, "*batch h w features"]:
        """The block's output, with `features` channels, not activated."""
        attend = partial(self.attention, train=train)
        activated = self.act(self.norm(name="bn1")(x))
        y = self.conv(self.features, 3, self.strides, name="conv1")(activated)
        y = self.act(attend("bn2", self.norm(name="bn2")(y)))
        y = nn.Dropout(self.dropout, deterministic=not train)(y)
        y = attend("conv2", self.conv(self.features, 3, name="conv2")(y))
        if x.shape[-1] != self.features:
            x = self.conv(self.features, 1, self.strides, name="shortcut_conv")(activated)
        return attend("add", y + x)


def _fit(x: Array, features: int, strides: int, conv: ModuleFactory) -> Array:
    if x.shape[-1] == features and strides == 1:
        return x
    return conv(features, 1, strides, name="shortcut_conv")(x)
