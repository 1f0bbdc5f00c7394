"""Triplet attention."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.options import require_odd
from simam_jax.layers.pooled_gate import pooled_gate


class TripletAttention(nn.Module):
    """The mean of three gatings of x, each by a plane of two of its axes: (C, W), (H, C) and (H, W).

    A plane's gate comes from the maximum and mean over the third axis, by a convolution without bias and a batch norm
    (ε 1e-5, keeps 0.99 of its statistics): `conv_h` and `bn_h` where that axis is H, `conv_w` and `bn_w` where it is W,
    `conv_c` and `bn_c` where it is C. Misra et al., WACV 2021, https://arxiv.org/abs/2010.03045.

    Attributes:
        kernel_size: side of the convolutions.

    Raises:
        ValueError: kernel_size is not positive and odd.
    """

    kernel_size: int = 7

    def __post_init__(self) -> None:
        require_odd("triplet", "kernel_size", self.kernel_size)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; in training the batch norms use the batch's statistics."""
        # (H, W, C) with H last is (C, W, H), the order of axes that the authors' kernels have; with W last, (H, C, W).
        gate_h = pooled_gate(jnp.swapaxes(x, -3, -1), self.kernel_size, train=train, suffix="_h")
        gate_w = pooled_gate(jnp.swapaxes(x, -2, -1), self.kernel_size, train=train, suffix="_w")
        gate_c = pooled_gate(x, self.kernel_size, train=train, suffix="_c")
        return x * (jnp.swapaxes(gate_h, -3, -1) + jnp.swapaxes(gate_w, -2, -1) + gate_c) / 3
