"""VGG (Simonyan & Zisserman, ICLR 2015, https://arxiv.org/abs/1409.1556), as torchvision and Paddle build it."""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, DTypeLike, Float

from simam_jax.layers.attention import create_attention
from simam_jax.layers.batch_norm import BatchNorm
from simam_jax.layers.convolution import SquareConv
from simam_jax.layers.factories import ModuleFactory
from simam_jax.layers.initializers import he_normal_fan_out
from simam_jax.ops.pooling import adaptive_average_pool, max_pool
from simam_jax.ops.relu import relu

STAGE_SIZES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions of each stage, by depth."""

SMALLEST_IMAGE = 32
_WIDTHS = (64, 128, 256, 512, 512)
POOLED = 7
_HIDDEN = 4096


class VGG(nn.Module):
    """Five stages of 3×3 convolutions and a max-pool, pooled to 7×7, then three linear layers.

    The source has no attention. Here it stands where TowerNet has it: after the max-pools, of all five stages.

    Attributes:
        num_classes: width of the classifier `head`.
        stage_sizes: convolutions of each stage.
        attention: factory of the attention after each max-pool.
        batch_norm: whether a batch norm follows every convolution.
        dropout: probability of a zero after each hidden linear layer.
        dtype: of the computation; parameters and batch statistics are float32.
        features_only: give the five stages' outputs, at strides 2, 4, 8, 16 and 32, and have no linear layers.
    """

    num_classes: int
    stage_sizes: tuple[int, ...]
    attention: ModuleFactory
    batch_norm: bool = False
    dropout: float = 0.5
    dtype: DTypeLike = jnp.float32
    features_only: bool = False

    @nn.compact
    def __call__(
        self, images: Float[Array, "B H W 3"], *, train: bool
    ) -> Float[Array, "B classes"] | tuple[Float[Array, "B h w C"], ...]:
        """Logits, float32, of normalised images.

        Raises:
            ValueError: images are smaller than 32×32, which the five halvings would leave without a position.
        """
        height, width = images.shape[-3:-1]
        if min(height, width) < SMALLEST_IMAGE:
            raise ValueError(
                f"VGG halves its images five times: they must be at least "
                f"{SMALLEST_IMAGE}x{SMALLEST_IMAGE} pixels, got {height}x{width}"
            )
        conv = partial(SquareConv, dtype=self.dtype, kernel_init=he_normal_fan_out)
        norm = partial(BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5, dtype=self.dtype)
        linear = partial(nn.Dense, kernel_init=nn.initializers.normal(0.01), dtype=self.dtype)
        drop = nn.Dropout(self.dropout, deterministic=not train)

        x = images.astype(self.dtype)
        stages = []
        for stage, (size, features) in enumerate(zip(self.stage_sizes, _WIDTHS, strict=True), start=1):
            for place in range(size):
                x = conv(features, 3, name=f"stage{stage}_conv{place}")(x)
                x = relu(norm(name=f"stage{stage}_bn{place}")(x) if self.batch_norm else x)
            x = self.attention(name=f"attention{stage}")(max_pool(x, 2), train=train)
            stages.append(x)
        if self.features_only:
            return tuple(stages)
        x = adaptive_average_pool(x, POOLED)
        x = x.reshape(*x.shape[:-3], -1)
        for layer in ("fc1", "fc2"):
            x = drop(relu(linear(_HIDDEN, name=layer)(x)))
        return linear(self.num_classes, dtype=jnp.float32, name="head")(x.astype(jnp.float32))


def vgg(
    depth: int,
    batch_norm: bool,
    *,
    num_classes: int,
    attention: str | None,
    placement: str,
    dtype: DTypeLike,
    dropout: float = 0.5,
    features_only: bool = False,
) -> VGG:
    """VGG-`depth`; its attention is placed "auto", or "none".

    Raises:
        ValueError: an unknown attention, or another placement.
    """
    if placement not in ("auto", "none"):
        raise ValueError(f"VGG has no placement {placement!r}: it has auto, after its max-pools, and none")
    create_attention(attention)  # a wrong spec fails here, not at the first call
    attention = None if placement == "none" else attention
    return VGG(
        num_classes,
        STAGE_SIZES[depth],
        partial(create_attention, attention),
        batch_norm,
        dropout=dropout,
        dtype=dtype,
        features_only=features_only,
    )
