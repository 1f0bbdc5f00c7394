"""MobileNetV2 (Sandler et al., CVPR 2018, https://arxiv.org/abs/1801.04381) for ImageNet and CIFAR."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from flax.typing import Initializer
from jaxtyping import Array, DTypeLike, Float

from simam_jax.layers.batch_norm import BatchNorm
from simam_jax.layers.convolution import SquareConv
from simam_jax.layers.factories import Activation, ModuleFactory
from simam_jax.layers.identity import Identity
from simam_jax.layers.initializers import he_normal_fan_out, pytorch_bias, pytorch_kernel
from simam_jax.layers.inverted_residual import InvertedResidual
from simam_jax.layers.placement import Placed, place
from simam_jax.ops.relu import relu, relu6


class Stage(NamedTuple):
    """Inverted residuals of one width; the stride is the first's."""

    expansion: int
    features: int
    size: int
    strides: int


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)
"""The paper's table 2."""

CIFAR_STAGES = (STAGES[0], STAGES[1]._replace(strides=1), *STAGES[2:])
"""The same for images of 32 pixels, which shrink eightfold only: the stem has no stride either."""

_FIRST, _LAST = 32, 1280


class MobileNetV2(nn.Module):
    """A 3×3 convolution, seven stages of inverted residuals, a 1×1 convolution, mean, classes.

    Attributes:
        num_classes: width of the classifier `head`.
        stages: widths, sizes and strides of the stages.
        stem_strides: of the first convolution.
        block: factory of a block, such as `simam_jax.layers.inverted_residual.InvertedResidual`.
        attention: of each stage, and where it stands in a block.
        act: the activation.
        width: factor on all widths, which are then rounded to multiples of 8; the last grows only.
        dropout: probability of a zero before the classifier.
        kernel_init: of the convolutions.
        head_init, head_bias_init: of the classifier.
        dtype: of the computation; parameters and batch statistics are float32.
        features_only: give the last output at each resolution and have no classifier: 16, 24, 32, 96 and 320 channels
            at strides 2, 4, 8, 16 and 32, in the CIFAR variant the last four at 1, 2, 4 and 8.
    """

    num_classes: int
    stages: tuple[Stage, ...]
    stem_strides: int
    block: ModuleFactory
    attention: tuple[Placed, ...]
    act: Activation
    kernel_init: Initializer
    head_init: Initializer
    head_bias_init: Callable[..., Array]
    width: float = 1.0
    dropout: float = 0.0
    dtype: DTypeLike = jnp.float32
    features_only: bool = False

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W 3"], *, train: bool
    ) -> Float[Array, "B classes"] | tuple[Float[Array, "B h w C"], ...]:
        """Logits, float32, of normalised images."""
        conv = partial(SquareConv, use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype)
        norm = partial(BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5, dtype=self.dtype)

        x = images.astype(self.dtype)
        x = conv(round_width(_FIRST * self.width), 3, self.stem_strides, name="conv1")(x)
        x = self.act(norm(name="bn1")(x))
        resolutions = []
        blocks = itertools.count()
        for stage, attention in zip(self.stages, self.attention, strict=True):
            if stage.strides > 1:
                resolutions.append(x)
            for number in range(stage.size):
                block = self.block(
                    features=round_width(stage.features * self.width),
                    strides=stage.strides if number == 0 else 1,
                    expansion=stage.expansion,
                    conv=conv,
                    norm=norm,
                    act=self.act,
                    attention=attention,
                    name=f"block{next(blocks)}",
                )
                x = block(x, train=train)
        if self.features_only:
            return (*resolutions, x)
        x = self.act(norm(name="bn2")(conv(round_width(_LAST * max(1.0, self.width)), 1, name="conv2")(x)))
        x = Identity(name="features")(x)
        x = x.mean((-3, -2), dtype=jnp.float32)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.num_classes, kernel_init=self.head_init, bias_init=self.head_bias_init, name="head")(x)


def mobilenet_v2(
    *,
    num_classes: int,
    attention: str | None,
    placement: str,
    dtype: DTypeLike,
    width: float = 1.0,
    dropout: float = 0.2,
    features_only: bool = False,
) -> MobileNetV2:
    """The network for images of ImageNet's size, as torchvision builds it.

    Raises:
        ValueError: an unknown attention or placement.
    """
    return MobileNetV2(
        num_classes,
        STAGES,
        stem_strides=2,
        block=InvertedResidual,
        attention=place(attention, placement, InvertedResidual.positions, stages=len(STAGES)),
        act=relu6,
        kernel_init=he_normal_fan_out,
        head_init=nn.initializers.normal(0.01),
        head_bias_init=nn.initializers.zeros,
        width=width,
        dropout=dropout,
        dtype=dtype,
        features_only=features_only,
    )


def cifar_mobilenet_v2(
    *,
    num_classes: int,
    attention: str | None,
    placement: str,
    dtype: DTypeLike,
    width: float = 1.0,
    dropout: float = 0.0,
    features_only: bool = False,
) -> MobileNetV2:
    """The variant for images of CIFAR's size, as SimAM's authors build it.

    It shrinks eightfold, its activation is ReLU, every block expands, and a block of stride 1 always has a shortcut.

    Raises:
        ValueError: an unknown attention or placement.
    """
    return MobileNetV2(
        num_classes,
        CIFAR_STAGES,
        stem_strides=1,
        block=partial(InvertedResidual, always_expand=True, project_shortcut=True),
        attention=place(attention, placement, InvertedResidual.positions, stages=len(CIFAR_STAGES)),
        act=relu,
        kernel_init=pytorch_kernel,
        head_init=pytorch_kernel,
        head_bias_init=pytorch_bias(round_width(_LAST * max(1.0, width))),
        width=width,
        dropout=dropout,
        dtype=dtype,
        features_only=features_only,
    )


def round_width(width: float) -> int:
    """The nearest multiple of 8, halves up, at least 8, and not more than a tenth below `width`."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * width else rounded + 8
