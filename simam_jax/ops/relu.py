"""ReLU and ReLU6 with gradients that look at what they gave.

JAX's look at what they were given. In a network that is a norm's output, which nothing else needs: it would be kept for
the backward pass, or made once more there. What they gave is kept anyway, by the layer that follows. Under
`implementation("xla")` they are JAX's.
"""

import jax
import jax.numpy as jnp
from jax import lax, nn
from jaxtyping import Array, Float

from simam_jax.ops.implementation import chosen


def relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """max(x, 0); its derivative is 1 above 0 and 0 elsewhere, at 0 too."""
    return nn.relu(x) if chosen() == "xla" else _relu(x)


def relu6(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """min(max(x, 0), 6); its derivative is 1 between 0 and 6 and 0 elsewhere, at 0 and 6 too, as in PyTorch."""
    return nn.relu6(x) if chosen() == "xla" else _relu6(x)


@jax.custom_jvp
def _relu(x: Array) -> Array:
    return jnp.maximum(x, 0)


@jax.custom_jvp
def _relu6(x: Array) -> Array:
    return jnp.clip(x, 0, 6)


def _written(dx: Array) -> Array:
    """dx unchanged; in a gradient, whose steps go the other way, what was selected is written to memory as bfloat16.

    Without the barrier XLA:CPU writes it as float32 and rounds it for every reader.
    """
    if dx.dtype != jnp.bfloat16:
        return dx
    return lax.platform_dependent(dx, cpu=lax.optimization_barrier, default=lambda dx: dx)


_relu.defjvps(lambda dx, y, x: jnp.where(y > 0, _written(dx), 0))
_relu6.defjvps(lambda dx, y, x: jnp.where((y > 0) & (y < 6), _written(dx), 0))
