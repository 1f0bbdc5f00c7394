"""TowerNet, the seed's network: four convolution stages and three Inceptions with SimAM between them.

Source: a PaddlePaddle walk-through of SimAM ("SimAM: parameter-free attention for classification, detection and
segmentation"), whose layers, initialisation and batch-norm constants it follows.
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, DTypeLike, Float

from simam_jax.layers.attention import create_attention
from simam_jax.layers.conv_norm_act import ConvNormAct
from simam_jax.layers.factories import ModuleFactory
from simam_jax.layers.inception import Inception
from simam_jax.ops.pooling import max_pool

SMALLEST_IMAGE = 128

# Paddle's: normal of variance 2 / fan_in, not truncated; biases zero. The classifier's is Xavier uniform.
_conv_init = nn.initializers.variance_scaling(2.0, "fan_in", "normal")


class TowerNet(nn.Module):
    """256²×3 → 64²×64 → 32²×128 → 16²×256 → 8²×256 → three Inceptions → 2²×256 → mean → classes.

    Attributes:
        num_classes: width of the classifier `head`.
        attention: factory of the attention after the max-pools of stages 3 and 4 and after those between Inceptions.
        dtype: of the computation; parameters and batch statistics are float32.
    """

    num_classes: int
    attention: ModuleFactory = partial(create_attention, "simam")
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, images: Float[Array, "B H W 3"], *, train: bool) -> Float[Array, "B classes"]:
        """Logits, float32, of normalised images.

        Raises:
            ValueError: images are smaller than 128×128, which the seven halvings would leave without a position.
        """
        height, width = images.shape[-3:-1]
        if min(height, width) < SMALLEST_IMAGE:
            raise ValueError(
                f"TowerNet halves its images seven times: they must be at least "
                f"{SMALLEST_IMAGE}x{SMALLEST_IMAGE} pixels, got {height}x{width}"
            )
        conv = partial(nn.Conv, dtype=self.dtype, kernel_init=_conv_init)
        norm = partial(nn.BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-3, dtype=self.dtype)
        stage = partial(ConvNormAct, conv=conv, norm=norm, act=nn.relu)
        inception = partial(Inception, 64, (64, 128), (16, 32), 32, conv=conv, act=nn.relu)

        x = images.astype(self.dtype)
        x = max_pool(stage(64, strides=2, name="stage1")(x), 2)
        x = max_pool(stage(128, name="stage2")(x), 2)
        x = max_pool(stage(256, name="stage3")(x), 2)
        x = self.attention(name="attention3")(x, train=train)
        x = max_pool(stage(256, name="stage4")(x), 2)
        x = self.attention(name="attention4")(x, train=train)
        x = max_pool(inception(name="inception1")(x), 2)
        x = self.attention(name="attention5")(x, train=train)
        x = max_pool(inception(name="inception2")(x), 2)
        x = self.attention(name="attention6")(x, train=train)
        x = inception(name="inception3")(x)
        x = x.mean((-3, -2), dtype=jnp.float32)
        # The classifier stays float32 whatever the compute dtype: it is small and its logits feed the loss.
        return nn.Dense(self.num_classes, kernel_init=nn.initializers.xavier_uniform(), name="head")(x)
