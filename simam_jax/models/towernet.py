"""TowerNet, the seed's network: four convolution stages and three Inceptions with SimAM between them.

Source: a PaddlePaddle walk-through of SimAM ("SimAM: parameter-free attention for classification, detection and
segmentation"), whose layers, initialisation and batch-norm constants it follows.
"""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, DTypeLike, Float

from simam_jax.layers.attention import create_attention
from simam_jax.layers.batch_norm import BatchNorm
from simam_jax.layers.conv_norm_act import ConvNormAct
from simam_jax.layers.convolution import SquareConv
from simam_jax.layers.factories import ModuleFactory
from simam_jax.layers.inception import Inception
from simam_jax.layers.initializers import he_normal_fan_in
from simam_jax.ops.pooling import max_pool
from simam_jax.ops.relu import relu

SMALLEST_IMAGE = 128


class TowerNet(nn.Module):
    """256²×3 → 64²×64 → 32²×128 → 16²×256 → 8²×256 → three Inceptions → 2²×256 → mean → classes.

    Attributes:
        num_classes: width of the classifier `head`.
        attention: factory of the attention after the max-pools of stages 3 and 4 and after those between Inceptions.
        dtype: of the computation; parameters and batch statistics are float32.
        features_only: give what each stage and each Inception hands on, at strides 4, 8, 16, 32, 64, 128 and 128, and
            have no classifier.
    """

    num_classes: int
    attention: ModuleFactory = partial(create_attention, "simam")
    dtype: DTypeLike = jnp.float32
    features_only: bool = False

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W 3"], *, train: bool
    ) -> Float[Array, "B classes"] | tuple[Float[Array, "B h w C"], ...]:
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
        # Paddle's initialisation: He's for convolutions, Xavier's for the classifier, 0 for biases.
        conv = partial(SquareConv, dtype=self.dtype, kernel_init=he_normal_fan_in)
        norm = partial(BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-3, dtype=self.dtype)
        stage = partial(ConvNormAct, conv=conv, norm=norm, act=relu)
        inception = partial(Inception, 64, (64, 128), (16, 32), 32, conv=conv, act=relu)

        stages = [images.astype(self.dtype)]
        for number, features in enumerate((64, 128, 256, 256), start=1):
            x = max_pool(stage(features, strides=2 if number == 1 else 1, name=f"stage{number}")(stages[-1]), 2)
            stages.append(self.attention(name=f"attention{number}")(x, train=train) if number > 2 else x)
        for number in (1, 2):
            x = max_pool(inception(name=f"inception{number}")(stages[-1]), 2)
            stages.append(self.attention(name=f"attention{number + 4}")(x, train=train))
        stages.append(inception(name="inception3")(stages[-1]))
        if self.features_only:
            return tuple(stages[1:])
        x = stages[-1].mean((-3, -2), dtype=jnp.float32)
        # The classifier stays float32 whatever the compute dtype: it is small and its logits feed the loss.
        return nn.Dense(self.num_classes, kernel_init=nn.initializers.xavier_uniform(), name="head")(x)


def towernet(
    *, num_classes: int, attention: str | None, placement: str, dtype: DTypeLike, features_only: bool = False
) -> TowerNet:
    """TowerNet; its attention is placed "auto", or "none".

    Raises:
        ValueError: an unknown attention, or another placement.
    """
    if placement not in ("auto", "none"):
        raise ValueError(f"TowerNet has no placement {placement!r}: it has auto, after its max-pools, and none")
    create_attention(attention)  # a wrong spec fails here, not at the first call
    attention = None if placement == "none" else attention
    return TowerNet(num_classes, partial(create_attention, attention), dtype, features_only)
