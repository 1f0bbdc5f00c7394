"""Coordinate attention."""

from functools import partial

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.batch_norm import batch_norm
from simam_jax.layers.linear import linear
from simam_jax.layers.options import require_at_least


class CoordinateAttention(nn.Module):
    """A gate for each row and one for each column: `x * sigmoid(conv_h(row)) * sigmoid(conv_w(column))`.

    The means of all rows and columns go together through a 1×1 convolution `conv1` to max(8, C // reduction) channels,
    a batch norm `bn1` (ε 1e-5, keeps 0.9 of its statistics) and h-swish. Hou et al., CVPR 2021,
    https://arxiv.org/abs/2103.02907. The convolutions have biases, as in the authors' code.

    Attributes:
        reduction: the ratio of C to the hidden width, which is at least 8.

    Raises:
        ValueError: reduction is below 1.
    """

    reduction: int = 32

    def __post_init__(self) -> None:
        require_at_least(1, "coord", "reduction", self.reduction)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; in training the batch norm uses the batch's statistics."""
        height, _, channels = x.shape[-3:]
        hidden = max(8, channels // self.reduction)
        # Over means of one axis a 1×1 convolution is a linear layer.
        conv = partial(linear, dtype=x.dtype)
        lines = jnp.concatenate([x.mean(-2), x.mean(-3)], axis=-2)
        lines = batch_norm(train=train, dtype=x.dtype, name="bn1")(conv(hidden, inputs=channels, name="conv1")(lines))
        lines = nn.hard_swish(lines)
        rows, columns = lines[..., :height, :], lines[..., height:, :]
        gate_h = nn.sigmoid(conv(channels, inputs=hidden, name="conv_h")(rows))
        gate_w = nn.sigmoid(conv(channels, inputs=hidden, name="conv_w")(columns))
        return x * gate_h[..., :, None, :] * gate_w[..., None, :, :]
