"""Nothing, as a module."""

from flax import linen as nn
from jaxtyping import Array, Float


class Identity(nn.Module):
    """Gives its input back: what stands where attention could, or names a feature map that is no other module's."""

    @nn.compact
    def __call__(self, x: Float[Array, "*shape"], *, train: bool = False) -> Float[Array, "*shape"]:
        """Returns x."""
        del train
        return x
