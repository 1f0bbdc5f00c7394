"""The convolutional block attention module."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.linear import linear
from simam_jax.layers.options import require_at_least, require_odd
from simam_jax.layers.pooled_gate import pooled_gate
from simam_jax.ops.largest import largest


class CBAM(nn.Module):
    """A gate for each channel, then one for each position.

    Channels: `sigmoid(mlp(mean) + mlp(max))` of the means and maxima over positions, where the mlp is `fc1`, ReLU,
    `fc2`, with biases. Positions: the channels' maximum and mean, a convolution `conv` without bias, a batch norm `bn`
    (ε 1e-5, keeps 0.99 of its statistics), a sigmoid. Woo et al., ECCV 2018, https://arxiv.org/abs/1807.06521,
    equations 2 and 3; they have no batch norm, it is that of the authors' code, as is the order of maximum and mean.

    Attributes:
        reduction: the ratio of C to the MLP's hidden width, which is at least 1.
        kernel_size: side of the convolution over positions.

    Raises:
        ValueError: reduction is below 1, or kernel_size is not positive and odd.
    """

    reduction: int = 16
    kernel_size: int = 7

    def __post_init__(self) -> None:
        require_at_least(1, "cbam", "reduction", self.reduction)
        require_odd("cbam", "kernel_size", self.kernel_size)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; in training the batch norm uses the batch's statistics."""
        channels = x.shape[-1]
        hidden = max(channels // self.reduction, 1)
        pooled = jnp.concatenate([x.mean((-3, -2), keepdims=True), largest(largest(x, -2), -3)], axis=-3)
        pooled = nn.relu(linear(hidden, inputs=channels, dtype=x.dtype, name="fc1")(pooled))
        pooled = linear(channels, inputs=hidden, dtype=x.dtype, name="fc2")(pooled)
        x = x * nn.sigmoid(pooled.sum(-3, keepdims=True))
        return x * pooled_gate(x, self.kernel_size, train=train)
