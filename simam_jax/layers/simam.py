"""SimAM as a module."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.ops.simam import Lambda, check_lambda, simam


class SimAM(nn.Module):
    """Parameter-free attention over a channel's positions, x * sigmoid(1 / e*); see `simam_jax.simam`.

    Attributes:
        e_lambda: λ, the floor of a channel's variance: 1e-4 on CIFAR, 0.1 on ImageNet. A traced scalar's value is
            trusted, and it is differentiable.

    Raises:
        ValueError: λ is not a positive finite scalar.
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


@contextmanager
def every_e_lambda(e_lambda: Lambda | None) -> Iterator[None]:
    """Every SimAM that is called in the block takes this λ in place of its own; None changes nothing.

    So the λ of a network whose spec has a number can be traced, and one program serves any.
    """
    if e_lambda is None:
        yield
        return

    def intercept(call: Any, args: Any, kwargs: Any, context: nn.module.InterceptorContext) -> Any:
        if isinstance(context.module, SimAM) and context.method_name == "__call__":
            return simam(*args, e_lambda=e_lambda)
        return call(*args, **kwargs)

    with nn.intercept_methods(intercept):
        yield
