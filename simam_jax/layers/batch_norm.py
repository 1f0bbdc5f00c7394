"""Batch norms: the networks', and that of attention modules."""

import jax.numpy as jnp
from flax import linen as nn
from flax.typing import Initializer
from jaxtyping import Array, DTypeLike, Float

from simam_jax.ops.batch_norm import batch_norm as normalise_batch
from simam_jax.ops.batch_norm import normalise_channels


class BatchNorm(nn.Module):
    """Batch norm over all axes but the last, with a scale and a bias for every channel of the last.

    Variables are named as those of `nn.BatchNorm`, and so are the attributes that it has of it; values are the same to
    rounding. The gradient is `ops.batch_norm`'s.

    Attributes:
        use_running_average: normalise by the running statistics, and not by the batch's.
        momentum: share of the running statistics that a step in training keeps; PyTorch's momentum is the rest.
        epsilon: added to the variance.
        dtype: of the output; statistics, parameters and computation are float32.
        scale_init: of the scale; the bias starts at 0.
    """

    use_running_average: bool
    momentum: float = 0.9
    epsilon: float = 1e-5
    dtype: DTypeLike = jnp.float32
    scale_init: Initializer = nn.initializers.ones_init()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch C"]) -> Float[Array, "*batch C"]:
        """Normalises x; in training it also moves the running statistics."""
        x, shape = jnp.asarray(x, self.dtype), x.shape[-1:]
        mean = self.variable("batch_stats", "mean", jnp.zeros, shape, jnp.float32)
        variance = self.variable("batch_stats", "var", jnp.ones, shape, jnp.float32)
        scale = self.param("scale", self.scale_init, shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), shape, jnp.float32)
        if self.use_running_average:
            return normalise_channels(x, mean.value, variance.value, scale, bias, epsilon=self.epsilon)
        normed = normalise_batch(x, scale, bias, epsilon=self.epsilon)
        if not self.is_initializing():
            mean.value = self.momentum * mean.value + (1 - self.momentum) * normed.mean
            variance.value = self.momentum * variance.value + (1 - self.momentum) * normed.variance
        return normed.y


def batch_norm(*, train: bool, dtype: DTypeLike, name: str, keeps: float = 0.9) -> nn.BatchNorm:
    """The batch norm of attention modules, with an ε of 1e-5, over all axes but the last.

    Its variance is that of differences from the mean. The mean of squares less the square of the mean, as in the
    networks, loses the digits where the mean is large beside the deviation, as in what a few channels are pooled to.

    Args:
        train: whether it uses the batch's statistics or the running ones.
        dtype: of the computation; parameters and statistics are float32.
        name: in its parent.
        keeps: share of the running statistics that a step in training keeps; PyTorch's momentum is the rest.
    """
    return nn.BatchNorm(
        use_running_average=not train, momentum=keeps, epsilon=1e-5, dtype=dtype, use_fast_variance=False, name=name
    )
