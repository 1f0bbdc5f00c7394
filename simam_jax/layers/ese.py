"""Effective squeeze-and-excitation."""

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.linear import linear


class ESE(nn.Module):
    """Squeeze-and-excitation with one layer of full width: `x * hard_sigmoid(fc(mean))`.

    Lee and Park, VoVNetV2 in CenterMask, CVPR 2020, https://arxiv.org/abs/1911.06667. The hard sigmoid,
    relu6(v + 3) / 6, is that of the authors' code.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; the same in training and evaluation."""
        del train
        channels = x.shape[-1]
        mean = x.mean((-3, -2), keepdims=True)
        gate = linear(channels, inputs=channels, dtype=x.dtype, name="fc")(mean)
        return x * nn.hard_sigmoid(gate)
