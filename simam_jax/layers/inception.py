"""The Inception block of GoogLeNet (Szegedy et al., CVPR 2015, https://arxiv.org/abs/1409.4842)."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.factories import Activation, ModuleFactory
from simam_jax.ops.pooling import max_pool


class Inception(nn.Module):
    """Four routes side by side, concatenated on channels; no norm, as in the original.

    Attributes:
        route1: channels of the 1×1 route.
        route3: channels of the 1×1 reduction and of the 3×3 after it.
        route5: channels of the 1×1 reduction and of the 5×5 after it.
        route_pool: channels of the 1×1 after the 3×3 max-pool.
        conv, act: factory of the convolutions and the activation after each.
    """

    route1: int
    route3: tuple[int, int]
    route5: tuple[int, int]
    route_pool: int
    conv: ModuleFactory
    act: Activation

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"]) -> Float[Array, "*batch H W features"]:
        """The routes' outputs, in the order of the attributes."""

        def conv(features: int, kernel_size: int, name: str, x: Array) -> Array:
            return self.act(self.conv(features, kernel_size, name=name)(x))

        return jnp.concatenate(
            [
                conv(self.route1, 1, "route1", x),
                conv(self.route3[1], 3, "route3", conv(self.route3[0], 1, "route3_reduce", x)),
                conv(self.route5[1], 5, "route5", conv(self.route5[0], 1, "route5_reduce", x)),
                conv(self.route_pool, 1, "route_pool", max_pool(x, 3, strides=1, padding=1)),
            ],
            axis=-1,
        )
