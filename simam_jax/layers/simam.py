"""SimAM as a module."""

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.ops.simam import Lambda, check_lambda, simam


class SimAM(nn.Module):
    """Parameter-free attention over a channel's positions, x * sigmoid(1 / e*); see `simam_jax.simam`.

    Attributes:
        e_lambda: λ, the floor of a channel's variance: 1e-4 on CIFAR, 0.1 on ImageNet. A traced scalar is trusted, and
            differentiable.

    Raises:
        ValueError: when called, if λ is not a positive finite scalar.
    """

    e_lambda: Lambda = 1e-4

    def __post_init__(self) -> None:
        check_lambda(self.e_lambda)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; the same in training and evaluation."""
        del train
        return simam(x, self.e_lambda)
