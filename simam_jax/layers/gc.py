"""The global context block."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.linear import linear
from simam_jax.layers.options import require_at_least


class GC(nn.Module):
    """Adds to every position a transform of one global context: `x + fc2(relu(norm(fc1(context))))`.

    The context is the mean over positions, weighted by a softmax of the 1×1 convolution `mask`. Cao et al., GCNet,
    ICCV Workshops 2019, https://arxiv.org/abs/1904.11492, the GC block. fc2 starts at zero and the mask at Kaiming
    normal, as in the authors' code: a new module is the identity.

    Attributes:
        reduction: the ratio of C to the hidden width, which is at least 1.

    Raises:
        ValueError: reduction is below 1.

    Softmax and context are float32 for 16-bit x. With C below twice the reduction the layer norm runs over one number,
    which it turns into its bias: the module then adds the same to every image.
    """

    reduction: int = 16

    def __post_init__(self) -> None:
        require_at_least(1, "gc", "reduction", self.reduction)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Adds the context to x; the same in training and evaluation."""
        del train
        channels = x.shape[-1]
        wide = jnp.promote_types(x.dtype, jnp.float32)
        logits = nn.Dense(
            1, dtype=x.dtype, kernel_init=nn.initializers.variance_scaling(2.0, "fan_in", "normal"), name="mask"
        )(x)
        weights = nn.softmax(logits.astype(wide), axis=(-3, -2))
        context = (weights * x.astype(wide)).sum((-3, -2), keepdims=True).astype(x.dtype)
        hidden = linear(max(channels // self.reduction, 1), inputs=channels, dtype=x.dtype, name="fc1")(context)
        hidden = nn.relu(nn.LayerNorm(epsilon=1e-5, dtype=x.dtype, use_fast_variance=False, name="norm")(hidden))
        return x + nn.Dense(channels, dtype=x.dtype, kernel_init=nn.initializers.zeros, name="fc2")(hidden)
