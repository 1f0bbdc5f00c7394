"""Squeeze-and-excitation."""

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.initializers import pytorch_kernel
from simam_jax.layers.options import require_at_least


class SE(nn.Module):
    """A gate for each channel from all channels' means: `x * sigmoid(fc2(relu(fc1(mean))))`, without biases.

    Hu et al., CVPR 2018, https://arxiv.org/abs/1709.01507, equations 2-4. The hidden width is C // reduction as in the
    SimAM authors' networks, and 1 where that is 0.

    Attributes:
        reduction: the ratio of C to the hidden width.

    Raises:
        ValueError: reduction is below 1.
    """

    reduction: int = 16

    def __post_init__(self) -> None:
        require_at_least(1, "se", "reduction", self.reduction)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; the same in training and evaluation."""
        del train
        channels = x.shape[-1]
        mean = x.mean((-3, -2), keepdims=True)
        hidden = nn.Dense(
            max(channels // self.reduction, 1), use_bias=False, dtype=x.dtype, kernel_init=pytorch_kernel, name="fc1"
        )(mean)
        gate = nn.Dense(channels, use_bias=False, dtype=x.dtype, kernel_init=pytorch_kernel, name="fc2")(
            nn.relu(hidden)
        )
        return x * nn.sigmoid(gate)
