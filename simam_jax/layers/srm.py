"""The style-based recalibration module."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.batch_norm import batch_norm


class SRM(nn.Module):
    """A gate for each channel from its own mean and standard deviation: `x * sigmoid(norm(w0 · mean + w1 · std))`.

    Lee et al., ICCV 2019, https://arxiv.org/abs/1903.10829. The weights `cfc`, (2, C), start at zero. The
    batch norm has ε 1e-5 and keeps 0.9 of its statistics.

    It differs from the source in this: the standard deviation is √(variance + 1e-5), where the authors' code adds
    nothing, so that its gradient is finite on a constant map. The variance divides by M - 1, as theirs does, and is 0
    for a single position, 0/0 there. Mean and deviation are float32 for 16-bit x.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; in training the batch norm uses the batch's statistics."""
        channels = x.shape[-1]
        values = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        mean = values.mean((-3, -2), keepdims=True)
        positions = x.shape[-3] * x.shape[-2]
        variance = jnp.square(values - mean).sum((-3, -2), keepdims=True) / max(positions - 1, 1)
        style = jnp.concatenate([mean, jnp.sqrt(variance + 1e-5)], axis=-2)
        weights = self.param("cfc", nn.initializers.zeros, (2, channels), jnp.float32)
        weights = jnp.expand_dims(weights, range(style.ndim - 2))
        norm = batch_norm(train=train, dtype=x.dtype, name="bn")
        return x * nn.sigmoid(norm((weights * style).sum(-2, keepdims=True)))
