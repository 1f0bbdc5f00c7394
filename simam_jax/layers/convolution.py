"""A square convolution padded alike on both sides, where Flax's SAME pads unevenly under a stride of 2."""

from typing import cast

import jax.numpy as jnp
from flax import linen as nn
from flax.typing import Initializer
from jaxtyping import Array, DTypeLike, Float

from simam_jax.ops.convolution import convolution


class SquareConv(nn.Conv):
    """Flax's convolution with a bias that is added, and whose gradient is summed, in float32 or wider.

    Attributes:
        biased: whether there is one; `use_bias` stays off.
    """

    biased: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"]) -> Float[Array, "*batch h w features"]:
        """Convolves x."""
        y = cast(Array, super().__call__(x))
        if not self.biased:
            return y
        bias = self.param("bias", self.bias_init, (self.features,), self.param_dtype)
        wide = jnp.promote_types(y.dtype, jnp.float32)
        return (y.astype(wide) + bias.astype(wide).reshape((1,) * (y.ndim - 1) + (-1,))).astype(y.dtype)


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
) -> SquareConv:
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
    return SquareConv(
        features,
        (kernel_size, kernel_size),
        strides=(strides, strides),
        padding=(kernel_size - 1) // 2,
        feature_group_count=groups,
        use_bias=False,
        biased=use_bias,
        kernel_init=kernel_init,
        dtype=dtype,
        conv_general_dilated=convolution,
        name=name,
    )
