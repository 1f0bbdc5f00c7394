"""Efficient channel attention."""

import math

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.initializers import pytorch_kernel
from simam_jax.layers.options import require_odd


class ECA(nn.Module):
    """A gate for each channel from the means of its neighbours: `x * sigmoid(conv1d(mean))`, without bias.

    Wang et al., CVPR 2020, https://arxiv.org/abs/1910.03151. The convolution runs over the channels, padded with zeros.

    Attributes:
        kernel_size: channels that a gate looks at; 0 takes |log2(C) / 2 + 1 / 2|, truncated, plus 1 if that is even.

    Raises:
        ValueError: kernel_size is neither 0 nor positive and odd.
    """

    kernel_size: int = 0

    def __post_init__(self) -> None:
        if self.kernel_size != 0:
            require_odd("eca", "kernel_size", self.kernel_size)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; the same in training and evaluation."""
        del train
        kernel_size = self.kernel_size or _adaptive_kernel_size(x.shape[-1])
        mean = x.mean((-3, -2))[..., None]
        gate = nn.Conv(
            1,
            (kernel_size,),
            padding=(kernel_size - 1) // 2,
            use_bias=False,
            dtype=x.dtype,
            kernel_init=pytorch_kernel,
            name="conv",
        )(mean)
        return x * nn.sigmoid(gate[..., None, None, :, 0])


def _adaptive_kernel_size(channels: int) -> int:
    size = int(abs(math.log2(channels) / 2 + 1 / 2))
    return size + 1 if size % 2 == 0 else size
