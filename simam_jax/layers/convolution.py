"""A square convolution padded alike on both sides, where Flax's SAME pads unevenly under a stride of 2."""

import jax.numpy as jnp
from flax import linen as nn
from flax.typing import Initializer
from jaxtyping import Array, DTypeLike, Float

from simam_jax.layers.options import require_odd
from simam_jax.ops.convolution import convolution


class SquareConv(nn.Module):
    """A kernel_size × kernel_size convolution with (kernel_size - 1) / 2 zeros on every side.

    Its parameters are float32 and named as those of `nn.Conv`: `kernel` (kernel_size, kernel_size, C / groups,
    features) and `bias`. It differs in that the bias is added, and its gradient summed, in float32 in 16-bit types too.

    Attributes:
        features: output channels.
        kernel_size: odd.
        strides: of both axes.
        groups: into which input and output channels are split.
        use_bias: whether a bias is added.
        kernel_init: of the kernel; a bias starts at 0.
        dtype: of the computation.
    """

    features: int
    kernel_size: int
    strides: int = 1
    groups: int = 1
    use_bias: bool = True
    kernel_init: Initializer = nn.initializers.lecun_normal()
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"]) -> Float[Array, "*batch h w features"]:
        """Convolves x."""
        require_odd("SquareConv", "kernel_size", self.kernel_size)
        shape = (self.kernel_size, self.kernel_size, x.shape[-1] // self.groups, self.features)
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        padding = (self.kernel_size - 1) // 2
        y = convolution(
            jnp.asarray(x, self.dtype).reshape(-1, *x.shape[-3:]),
            jnp.asarray(kernel, self.dtype),
            (self.strides, self.strides),
            ((padding, padding), (padding, padding)),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=self.groups,
        )
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros_init(), (self.features,), jnp.float32)
            y = (y.astype(jnp.float32) + bias.reshape(1, 1, 1, -1)).astype(y.dtype)
        return y.reshape(*x.shape[:-3], *y.shape[1:])
