"""ResNet, PreResNet and WideResNet for images of CIFAR's size, as SimAM's authors build them.

Sources: He et al., CVPR 2016, https://arxiv.org/abs/1512.03385, section 4.2, with projections where shapes change; He
et al., ECCV 2016, https://arxiv.org/abs/1603.05027; Zagoruyko & Komodakis, BMVC 2016, https://arxiv.org/abs/1605.07146.
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from flax.typing import Initializer
from jaxtyping import Array, DTypeLike, Float

from simam_jax.layers.batch_norm import BatchNorm
from simam_jax.layers.convolution import SquareConv
from simam_jax.layers.factories import ModuleFactory
from simam_jax.layers.identity import Identity
from simam_jax.layers.initializers import he_normal_fan_out, pytorch_bias, pytorch_kernel
from simam_jax.layers.placement import Placed, place
from simam_jax.layers.preactivation import PreBasicBlock, PreBottleneck, WideBasicBlock
from simam_jax.layers.residual import BasicBlock, Bottleneck
from simam_jax.ops.relu import relu


class CifarResNet(nn.Module):
    """A 3×3 convolution to 16 channels, three stages of residual blocks, mean, classes.

    Attributes:
        num_classes: width of the classifier `head`.
        stage_size: blocks of each stage.
        block: factory of a block, such as `simam_jax.layers.residual.BasicBlock`.
        attention: of each stage, and where it stands in a block.
        pre_activation: norm and activation are the blocks' own, so they follow the last block, not the stem.
        widen: factor on the stages' widths of 16, 32 and 64.
        kernel_init: of the convolutions. The authors leave PyTorch's in ResNet and PreResNet.
        zero_bias: start the classifier's bias at 0, not at PyTorch's.
        dtype: of the computation; parameters and batch statistics are float32.
        features_only: give the three stages' outputs, at strides 1, 2 and 4, and have no classifier.
    """

    num_classes: int
    stage_size: int
    block: ModuleFactory
    attention: tuple[Placed, ...]
    pre_activation: bool = False
    widen: int = 1
    kernel_init: Initializer = pytorch_kernel
    zero_bias: bool = False
    dtype: DTypeLike = jnp.float32
    features_only: bool = False

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W 3"], *, train: bool
    ) -> Float[Array, "B classes"] | tuple[Float[Array, "B h w C"], ...]:
        """Logits, float32, of normalised images."""
        conv = partial(SquareConv, use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype)
        norm = partial(BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5, dtype=self.dtype)

        x = conv(16, 3, name="conv1")(images.astype(self.dtype))
        if not self.pre_activation:
            x = relu(norm(name="bn1")(x))
        stages = []
        for stage, attention in enumerate(self.attention):
            for number in range(self.stage_size):
                block = self.block(
                    features=16 * 2**stage * self.widen,
                    strides=2 if stage > 0 and number == 0 else 1,
                    conv=conv,
                    norm=norm,
                    act=relu,
                    attention=attention,
                    name=f"layer{stage + 1}_{number}",
                )
                x = block(x, train=train)
            stages.append(x)
        if self.features_only:
            return tuple(stages)
        if self.pre_activation:
            x = Identity(name="features")(relu(norm(name="bn")(x)))
        x = x.mean((-3, -2), dtype=jnp.float32)
        bias_init = nn.initializers.zeros if self.zero_bias else pytorch_bias(x.shape[-1])
        return nn.Dense(self.num_classes, kernel_init=pytorch_kernel, bias_init=bias_init, name="head")(x)


def cifar_resnet(
    depth: int,
    block: type[BasicBlock] | type[Bottleneck] | type[PreBasicBlock] | type[PreBottleneck],
    *,
    num_classes: int,
    attention: str | None,
    placement: str,
    dtype: DTypeLike,
    features_only: bool = False,
) -> CifarResNet:
    """A ResNet or PreResNet by its depth, 6n + 2 of basic blocks or 9n + 2 of bottlenecks, n a stage.

    Raises:
        ValueError: an unknown attention or placement.
    """
    convolutions = 3 if block in (Bottleneck, PreBottleneck) else 2
    return CifarResNet(
        num_classes,
        (depth - 2) // (3 * convolutions),
        block,
        place(attention, placement, block.positions, stages=3),
        pre_activation=block in (PreBasicBlock, PreBottleneck),
        dtype=dtype,
        features_only=features_only,
    )


def cifar_wide_resnet(
    depth: int,
    widen: int,
    *,
    num_classes: int,
    attention: str | None,
    placement: str,
    dtype: DTypeLike,
    dropout: float = 0.3,
    features_only: bool = False,
) -> CifarResNet:
    """A WideResNet by its depth, 6n + 4 for n blocks a stage, and its width.

    Raises:
        ValueError: an unknown attention or placement.
    """
    return CifarResNet(
        num_classes,
        (depth - 4) // 6,
        partial(WideBasicBlock, dropout=dropout),
        place(attention, placement, WideBasicBlock.positions, stages=3),
        pre_activation=True,
        widen=widen,
        kernel_init=he_normal_fan_out,
        zero_bias=True,
        dtype=dtype,
        features_only=features_only,
    )
