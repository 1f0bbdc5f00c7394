"""The largest along an axis, with a gradient for one of several."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def largest(x: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """`x.max(axis, keepdims=True)`; the gradient goes to the first of equal ones, as in PyTorch.

    JAX's gradient looks for the largest among the values once more. XLA may compute these twice, with other last bits;
    then nothing is found, and the gradient is shared among none, which is NaN. Here its place is remembered.
    """
    return x.max(axis, keepdims=True)


@largest.defjvp
def _differentiate(axis, primals, tangents):
    (x,), (dx,) = primals, tangents
    place = jnp.argmax(x, axis, keepdims=True)
    here = lax.broadcasted_iota(place.dtype, x.shape, axis % x.ndim) == place
    return largest(x, axis), jnp.where(here, dx, 0).sum(axis, keepdims=True)
