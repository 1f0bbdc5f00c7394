"""Coordinate attention."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.initializers import pytorch_bias, pytorch_kernel
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
        def conv(features: int, fan_in: int, name: str) -> nn.Dense:
            return nn.Dense(
                features, dtype=x.dtype, kernel_init=pytorch_kernel, bias_init=pytorch_bias(fan_in), name=name
            )

        lines = jnp.concatenate([x.mean(-2), x.mean(-3)], axis=-2)
        norm = nn.BatchNorm(
            use_running_average=not train,
            momentum=0.9,
            epsilon=1e-5,
            dtype=x.dtype,
            use_fast_variance=False,
            name="bn1",
        )
        lines = nn.hard_swish(norm(conv(hidden, channels, "conv1")(lines)))
        rows, columns = lines[..., :height, :], lines[..., height:, :]
        gate_h = nn.sigmoid(conv(channels, hidden, "conv_h")(rows))
        gate_w = nn.sigmoid(conv(channels, hidden, "conv_w")(columns))
        return x * gate_h[..., :, None, :] * gate_w[..., None, :, :]
