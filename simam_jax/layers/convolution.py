"""A square convolution padded alike on both sides, where Flax's SAME pads unevenly under a stride of 2."""

from flax import linen as nn
from flax.typing import Initializer
from jaxtyping import DTypeLike

from simam_jax.ops.convolution import convolution


def square_conv(
    features: int,
    kernel_size: int,
    strides: int = 1,
    *,
    groups: int = 1,
    use_bias: bool = True,
    kernel_init: Initializer,
    dtype: DTypeLike,
    name: str,
) -> nn.Conv:
    """A kernel_size × kernel_size convolution with (kernel_size - 1) / 2 zeros on every side.

    Args:
        features: output channels.
        kernel_size: odd.
        strides: of both axes.
        groups: into which input and output channels are split.
        use_bias: whether a bias is added.
        kernel_init: of the kernel; a bias starts at 0.
        dtype: of the computation; the parameters are float32.
        name: in its parent.
    """
    return nn.Conv(
        features,
        (kernel_size, kernel_size),
        strides=(strides, strides),
        padding=(kernel_size - 1) // 2,
        feature_group_count=groups,
        use_bias=use_bias,
        kernel_init=kernel_init,
        dtype=dtype,
        conv_general_dilated=convolution,
        name=name,
    )
