"""ResNet, ResNet-D and ResNeXt for images of ImageNet's size, as torchvision and SimAM's authors build them.

Sources: ResNet, He et al., CVPR 2016, https://arxiv.org/abs/1512.03385 (v1.5: a bottleneck's stride is its 3×3
convolution's); ResNet-D, He et al., CVPR 2019, https://arxiv.org/abs/1812.01187; ResNeXt, Xie et al., CVPR 2017,
https://arxiv.org/abs/1611.05431.
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, DTypeLike, Float

from simam_jax.layers.batch_norm import BatchNorm
from simam_jax.layers.convolution import SquareConv
from simam_jax.layers.factories import ModuleFactory
from simam_jax.layers.initializers import he_normal_fan_out, pytorch_bias, pytorch_kernel
from simam_jax.layers.placement import Placed, place
from simam_jax.layers.residual import BasicBlock, Bottleneck
from simam_jax.ops.pooling import max_pool
from simam_jax.ops.relu import relu


class ResNet(nn.Module):
    """A stem that shrinks fourfold, four stages of residual blocks, mean, classes.

    Attributes:
        num_classes: width of the classifier `head`.
        stage_sizes: blocks of each stage.
        block: factory of a block, such as `simam_jax.layers.residual.Bottleneck`.
        attention: of each stage, and where it stands in a block.
        deep_stem: three 3×3 convolutions to 32, 32 and 64 channels in place of a 7×7 one, as in ResNet-D.
        dtype: of the computation; parameters and batch statistics are float32.
        features_only: give the four stages' outputs, at strides 4, 8, 16 and 32, and have no classifier.
    """

    num_classes: int
    stage_sizes: tuple[int, ...]
    block: ModuleFactory
    attention: tuple[Placed, ...]
    deep_stem: bool = False
    dtype: DTypeLike = jnp.float32
    features_only: bool = False

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W 3"], *, train: bool
    ) -> Float[Array, "B classes"] | tuple[Float[Array, "B h w C"], ...]:
        """Logits, float32, of normalised images."""
        conv = partial(SquareConv, use_bias=False, kernel_init=he_normal_fan_out, dtype=self.dtype)
        norm = partial(BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5, dtype=self.dtype)

        x = images.astype(self.dtype)
        if self.deep_stem:
            x = relu(norm(name="stem_bn0")(conv(32, 3, 2, name="stem_conv0")(x)))
            x = relu(norm(name="stem_bn1")(conv(32, 3, name="stem_conv1")(x)))
            x = conv(64, 3, name="conv1")(x)
        else:
            x = conv(64, 7, 2, name="conv1")(x)
        x = max_pool(relu(norm(name="bn1")(x)), 3, strides=2, padding=1)
        stages = []
        for stage, (size, attention) in enumerate(zip(self.stage_sizes, self.attention, strict=True)):
            for number in range(size):
                block = self.block(
                    features=64 * 2**stage,
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
        x = x.mean((-3, -2), dtype=jnp.float32)
        return nn.Dense(self.num_classes, kernel_init=pytorch_kernel, bias_init=pytorch_bias(x.shape[-1]), name="head")(
            x
        )


def resnet(
    block: type[BasicBlock] | type[Bottleneck],
    stage_sizes: tuple[int, ...],
    *,
    num_classes: int,
    attention: str | None,
    placement: str,
    dtype: DTypeLike,
    variant_d: bool = False,
    groups: int = 1,
    width_per_group: int = 64,
    features_only: bool = False,
) -> ResNet:
    """A ResNet by its block and depth.

    Args:
        block: kind of block.
        stage_sizes: blocks of each stage.
        num_classes, attention, placement, dtype, features_only: see `create_model`.
        variant_d: ResNet-D's stem and shortcuts.
        groups, width_per_group: ResNeXt's, of a bottleneck.

    Raises:
        ValueError: an unknown attention or placement.
    """
    options = {"groups": groups, "width_per_group": width_per_group} if block is Bottleneck else {}
    return ResNet(
        num_classes,
        stage_sizes,
        partial(block, average_shortcut=variant_d, **options),
        place(attention, placement, block.positions, stages=4),
        deep_stem=variant_d,
        dtype=dtype,
        features_only=features_only,
    )
