"""SimAM's closed form (Yang et al., ICML 2021, https://proceedings.mlr.press/v139/yang21o.html)."""

import math
import numbers
import operator
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, DTypeLike, Float, Real

from simam_jax.ops import simam_formula as formula
from simam_jax.ops import simam_fused as fused
from simam_jax.ops.implementation import chosen
from simam_jax.ops.meshes import varying_alike

Lambda = float | int | np.number | Real[Array | np.ndarray, ""]


def simam(
    x: Float[Array | np.ndarray, "*shape"],
    e_lambda: Lambda = 1e-4,
    axes: Sequence[int] = (-3, -2),
    *,
    mask: Bool[Array | np.ndarray, "..."] | None = None,
    axis_name: Hashable | None = None,
) -> Float[Array, "*shape"]:
    """Scales every neuron by the sigmoid of its inverse energy: `x * sigmoid(1 / e*)` (eq. 6).

    A channel's M positions have mean μ and variance σ² = Σ(x - μ)² / (M - 1), and a neuron's inverse energy is
    `1 / e* = (x - μ)² / (4 (σ² + λ)) + 1/2` (eq. 5): the further from its channel's mean, the larger the gate, which
    lies in [0.6225, 1).

    Args:
        x: floating array, by default (..., H, W, C).
        e_lambda: λ, an absolute floor of the variance, positive and finite. The paper takes 1e-4 on CIFAR and 0.1 on
            ImageNet. A traced scalar's value is trusted, and it is differentiable.
        axes: the positions a channel's statistics run over.
        mask: True where x counts; broadcastable to x. Other positions enter no statistic and give 0.
        axis_name: mesh axis or axes over which the positions are split too, inside `shard_map`, `vmap` or `pmap`.

    Returns:
        An array of x's shape and dtype.

    Raises:
        ValueError: λ is not a positive finite scalar, x is not floating, x has no such axes, or the mask does not
            broadcast to x.

    The backward pass is a closed form too and keeps x and two numbers a channel. It can be differentiated again, but
    like every `jax.custom_vjp` not in forward mode (`jax.jvp`, `jax.jacfwd`); with axis_name, and under
    `implementation("xla")`, it is JAX's derivative, which has one. Over the default axes, without mask and axis_name,
    and but for arrays on a mesh with Explicit axes, an NVIDIA GPU runs fused kernels and a CPU
    passes of its own unless `simam_jax.ops.implementation` says otherwise, and a TPU kernels if it says so
    (`simam_fused`).

    It differs from the source in this: statistics and gate are float32 for 16-bit x (float16 sums overflow at ordinary
    activations), and a single position, 0/0 in the authors' code, has the limit x * sigmoid(1/2). Like the authors'
    code, and unlike eq. 5 as printed, it divides by M - 1.
    """
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(f"simam needs a floating array, got {x.dtype}")
    wide = jnp.promote_types(x.dtype, jnp.float32)
    check_lambda(e_lambda, wide)
    reduced = _checked_axes(axes, x.ndim)
    if mask is not None:
        mask = _checked_mask(mask, x.shape)
        # Or what is there, where not finite, would be in the gradient.
        x = jnp.where(jnp.broadcast_to(mask, x.shape), x, 0)
    x, e_lambda = varying_alike(x, jnp.asarray(e_lambda, wide))
    if axis_name is not None or chosen() == "xla":
        return _by_stock_derivative(reduced, axis_name, x, e_lambda, mask)
    if mask is None and reduced == (x.ndim - 3, x.ndim - 2) and fused.suits(x):
        return _fused(x, e_lambda)
    return _by_formula(reduced, x, e_lambda, mask)


def check_lambda(e_lambda: Any, dtype: DTypeLike = jnp.float64) -> None:
    """Raises ValueError unless λ is a positive finite scalar that the dtype holds, or a traced scalar."""
    number = isinstance(e_lambda, numbers.Real) or (
        isinstance(e_lambda, jax.Array | np.ndarray)
        and e_lambda.shape == ()
        and (jnp.issubdtype(e_lambda.dtype, jnp.floating) or jnp.issubdtype(e_lambda.dtype, jnp.integer))
    )
    if number and isinstance(e_lambda, Tracer):
        return
    if not (number and math.isfinite(e_lambda) and float(e_lambda) > 0):
        raise ValueError(f"simam: e_lambda must be a positive finite number, got {e_lambda!r}")
    smallest, largest = (float(bound) for bound in (jnp.finfo(dtype).tiny, jnp.finfo(dtype).max))
    if not smallest <= float(e_lambda) <= largest:
        raise ValueError(
            f"simam: e_lambda must lie between {smallest:.1g} and {largest:.1g}, which {jnp.dtype(dtype).name} holds, "
            f"got {e_lambda!r}"
        )


def _checked_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    counted = tuple(operator.index(axis) for axis in axes)
    reduced = {axis % rank for axis in counted if -rank <= axis < rank}
    if not counted or len(reduced) != len(counted):
        raise ValueError(f"simam: x has {rank} axes; {counted} are not different ones among them")
    return tuple(sorted(reduced))


def _checked_mask(mask: Bool[Array | np.ndarray, "..."], shape: tuple[int, ...]) -> Bool[Array, "..."]:
    lined_up = mask.shape[::-1] if mask.ndim <= len(shape) else ()
    if mask.ndim != len(lined_up) or any(
        size not in (1, whole) for size, whole in zip(lined_up, shape[::-1], strict=False)
    ):
        raise ValueError(f"simam: a mask of shape {mask.shape} does not broadcast to x of shape {shape}")
    return jnp.asarray(mask)


@jax.custom_vjp
def _fused(x: Array, e_lambda: Array) -> Array:
    return fused.forward(x, e_lambda)[0]


def _fused_forward(x: Array, e_lambda: Array) -> tuple[Array, tuple[Array, formula.Channels]]:
    y, channels = fused.forward(x, e_lambda)
    return y, (x, channels)


def _fused_backward(saved: tuple[Array, formula.Channels], dy: Array | np.ndarray) -> tuple[Array, Array]:
    x, channels = saved
    dx, slope = fused.backward(x, jnp.asarray(dy), channels)
    return dx, slope.sum()


_fused.defvjp(_fused_forward, _fused_backward)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _by_formula(axes: tuple[int, ...], x: Array, e_lambda: Array, mask: Array | None) -> Array:
    return _formula_forward(axes, x, e_lambda, mask)[0]


def _formula_forward(
    axes: tuple[int, ...], x: Array, e_lambda: Array, mask: Array | None
) -> tuple[Array, tuple[Array, formula.Channels, Array | None]]:
    total, values = partial(jnp.sum, axis=axes, keepdims=True), x.astype(e_lambda.dtype)
    where, count = _positions(values, mask, axes, total)
    channels = formula.statistics(values, e_lambda, count, total, where)
    return formula.gated(values, channels, where).astype(x.dtype), (x, channels, mask)


def _formula_backward(
    axes: tuple[int, ...], saved: tuple[Array, formula.Channels, Array | None], dy: Array | np.ndarray
) -> tuple[Array, Array, None]:
    x, channels, mask = saved
    total = partial(jnp.sum, axis=axes, keepdims=True)
    values, dy = x.astype(channels.mean.dtype), jnp.asarray(dy, channels.mean.dtype)
    where, count = _positions(values, mask, axes, total)
    sums = formula.slopes(values, dy, channels, total, where)
    dx = formula.gradient(values, dy, channels, sums, count=count, where=where)
    return dx.astype(x.dtype), formula.lambda_slope(sums, channels).sum(), None


_by_formula.defvjp(_formula_forward, _formula_backward)


def _by_stock_derivative(
    axes: tuple[int, ...], axis_name: Hashable | None, x: Array, e_lambda: Array, mask: Array | None
) -> Array:
    """The formula with JAX's own derivative: a `jax.custom_vjp` under `vmap` may name no axis in its backward pass.

    Over an axis that is named the backward pass keeps x and two numbers a channel, as elsewhere; without one this is
    stock XLA, and keeps what JAX keeps.
    """

    def total(values: Array) -> Array:
        sums = values.sum(axes, keepdims=True)
        return sums if axis_name is None else jax.lax.psum(sums, axis_name)

    devices = 1 if axis_name is None else jax.lax.psum(1, axis_name)
    where, count = _positions(x, mask, axes, total, devices)

    def statistics(x: Array, e_lambda: Array) -> formula.Channels:
        return formula.statistics(x.astype(e_lambda.dtype), e_lambda, count, total, where)

    def gated(x: Array, channels: formula.Channels) -> Array:
        return formula.gated(x.astype(channels.mean.dtype), channels, where).astype(x.dtype)

    if axis_name is not None:
        statistics, gated = jax.checkpoint(statistics), jax.checkpoint(gated)  # each by itself
    return gated(x, statistics(x, e_lambda))


def _positions(
    values: Array, mask: Array | None, axes: tuple[int, ...], total: formula.Total, devices: int = 1
) -> tuple[formula.Where, formula.Count]:
    """Which positions count, and how many they are."""
    if mask is None:
        return None, devices * math.prod(values.shape[axis] for axis in axes)
    where = jnp.broadcast_to(mask, values.shape)
    return where, total(where.astype(jnp.promote_types(values.dtype, jnp.float32)))
