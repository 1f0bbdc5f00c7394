"""SimAM's closed form (Yang et al., ICML 2021, https://proceedings.mlr.press/v139/yang21o.html)."""

import math
from collections.abc import Hashable, Sequence

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

Lambda = float | Float[Array, ""]


def simam(
    x: Float[Array, "*shape"],
    e_lambda: Lambda = 1e-4,
    axes: Sequence[int] = (-3, -2),
    *,
    mask: Bool[Array, "..."] | None = None,
    axis_name: Hashable | None = None,
) -> Float[Array, "*shape"]:
    """Scales every neuron by the sigmoid of its inverse energy: `x * sigmoid(1 / e*)` (eq. 6).

    A channel's M positions have mean μ and variance σ² = Σ(x - μ)² / (M - 1), and a neuron's inverse energy is
    `1 / e* = (x - μ)² / (4 (σ² + λ)) + 1/2` (eq. 5): the further from its channel's mean, the larger the gate, which
    lies in [0.6225, 1).

    Args:
        x: floating array, by default (..., H, W, C).
        e_lambda: λ, an absolute floor of the variance, positive and finite. The paper takes 1e-4 on CIFAR and 0.1 on
            ImageNet. A traced scalar is trusted, and differentiable.
        axes: the positions a channel's statistics run over.
        mask: True where x counts; broadcastable to x. Other positions enter no statistic and give 0.
        axis_name: mesh axis or axes over which the positions are split too, inside `shard_map`, `vmap` or `pmap`.

    Returns:
        An array of x's shape and dtype.

    Raises:
        ValueError: λ is not a positive finite scalar, x is not floating, or the mask does not broadcast to x.

    It differs from the source in this: statistics and gate are float32 for 16-bit x (float16 sums overflow at ordinary
    activations), and a single position, 0/0 in the authors' code, has the limit x * sigmoid(1/2). Like the authors'
    code, and unlike eq. 5 as printed, it divides by M - 1.
    """
    check_lambda(e_lambda)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(f"simam needs a floating array, got {x.dtype}")
    if mask is not None and jnp.broadcast_shapes(mask.shape, x.shape) != x.shape:
        raise ValueError(f"simam: a mask of shape {mask.shape} does not broadcast to x of shape {x.shape}")

    def total(values: Array) -> Array:
        summed = values.sum(axes, keepdims=True)
        return summed if axis_name is None else jax.lax.psum(summed, axis_name)

    values = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    if mask is None:
        positions = math.prod(x.shape[axis] for axis in axes)
        count = jnp.asarray(positions if axis_name is None else jax.lax.psum(positions, axis_name), values.dtype)
        squares = jnp.square(values - total(values) / count)
    else:
        mask = jnp.broadcast_to(mask, x.shape)
        values = jnp.where(mask, values, 0)
        count = total(mask.astype(values.dtype))
        squares = jnp.where(mask, jnp.square(values - total(values) / jnp.maximum(count, 1)), 0)
    variance = total(squares) / jnp.maximum(count - 1, 1)
    inverse_energy = squares / (4 * (variance + e_lambda)) + 0.5
    return (values * jax.nn.sigmoid(inverse_energy)).astype(x.dtype)


def check_lambda(e_lambda: Lambda) -> None:
    """Raises ValueError unless λ is traced, or a positive finite scalar."""
    if isinstance(e_lambda, Tracer):
        return
    if jnp.shape(e_lambda) != () or not (math.isfinite(e_lambda) and e_lambda > 0):
        raise ValueError(f"simam: e_lambda must be a positive finite number, got {e_lambda!r}")
