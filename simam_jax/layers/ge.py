"""Gather-excite without parameters."""

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.options import require_at_least
from simam_jax.ops.pooling import average_pool, upsample_nearest


class GatherExcite(nn.Module):
    """A gate for each value from the mean around it: `x * sigmoid(upsample(pool(x)))`.

    Hu et al., NeurIPS 2018, https://arxiv.org/abs/1810.12348, GE-θ⁻: a channel's mean over all positions, or over
    windows of 2e - 1 positions at a stride of e = extent, brought back to x's size by nearest neighbours. Padding does
    not count in a mean.

    Attributes:
        extent: e, the ratio of x's size to the pooled size; 0 takes the mean over all positions.

    Raises:
        ValueError: extent is negative.
    """

    extent: int = 0

    def __post_init__(self) -> None:
        require_at_least(0, "ge", "extent", self.extent)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; the same in training and evaluation."""
        del train
        if self.extent == 0:
            return x * nn.sigmoid(x.mean((-3, -2), keepdims=True))
        gathered = average_pool(x, 2 * self.extent - 1, strides=self.extent, padding=self.extent - 1)
        return x * nn.sigmoid(upsample_nearest(gathered, *x.shape[-3:-1]))
