"""Convolutions with gradients that are fast on XLA:CPU; on accelerators, XLA's own.

XLA:CPU has a good convolution and no good gradient of it: that of the kernel and that of a strided convolution's input
run many times slower than matrix products of the same size. In bfloat16 it has no fast convolution at all.
`python -m simam_jax.benchmark --suite step` has networks on all of this project's operations beside the same on XLA's
own: where these are as fast, this file and what it is made of can go.
"""

from collections.abc import Sequence
from functools import partial, reduce

import jax
import jax.numpy as jnp
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.typing import DTypeLike
from jaxtyping import Array

from simam_jax.ops.derivative import with_derivative_of
from simam_jax.ops.image_groups import map_groups
from simam_jax.ops.implementation import may_go_in_turn
from simam_jax.ops.kernel_gradient import FEW_INPUTS, kernel_gradient
from simam_jax.ops.meshes import varying_alike
from simam_jax.ops.windows import taps_of, windows_of
from simam_jax.ops.winograd import winograd

_CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")
_FLOATS = (jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64)
OUTPUT = "convolution"
"""The name, for `jax.checkpoint` policies, of what a convolution gives."""

_POSITIONS = 2048
# XLA's own is as fast for fewer channels, but for the gradient of a kernel from an image's to `_FEWEST_FROM_AN_IMAGE`.
_FEWEST_FORWARD = 64
_FEWEST_BACKWARD = 16
_FEWEST_FROM_AN_IMAGE = 32


def convolution(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers=None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision=None,
    preferred_element_type: DTypeLike | None = None,
) -> Array:
    """`jax.lax.conv_general_dilated`, argument for argument, and its gradients.

    What it makes faster on the CPU is the convolution of (N, H, W, C) images with one group, or with one group a
    channel. All else, and every other platform, is XLA's own; so is everything on several devices, since the images are
    worked on one after another, unless `implementation("own")` is chosen. What is faster has a forward mode (`jax.jvp`)
    over its gradient only, which is XLA's; `implementation("xla")` has any.
    """

    def stock() -> Array:
        y = lax.conv_general_dilated(
            lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count,
            batch_group_count, precision, preferred_element_type,
        )  # fmt: skip
        return checkpoint_name(y, OUTPUT)

    numbers = lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    ours = (
        may_go_in_turn(lhs)
        and lhs.ndim == 4
        and numbers == lax.conv_dimension_numbers(lhs.shape, rhs.shape, _CHANNELS_LAST)
        and lhs.dtype == rhs.dtype
        and lhs.dtype in _FLOATS
        and preferred_element_type in (None, lhs.dtype)
        and set(lhs_dilation or (1,)) == {1}
        and batch_group_count == 1
        and (feature_group_count == 1 or feature_group_count == lhs.shape[-1] == rhs.shape[-1])
        and 0 not in (*lhs.shape, *rhs.shape)
        and (feature_group_count > 1 or _pays(rhs))
    )
    if not ours:
        return stock()
    strides, dilation = tuple(window_strides), tuple(rhs_dilation or (1, 1))
    reach = [(size - 1) * step + 1 for size, step in zip(rhs.shape[:2], dilation, strict=True)]
    pairs = lax.padtype_to_pads(lhs.shape[1:3], reach, strides, padding) if isinstance(padding, str) else padding
    sides = tuple((int(low), int(high)) for low, high in pairs)
    if any(size + sum(pair) < window for size, pair, window in zip(lhs.shape[1:3], sides, reach, strict=True)):
        return stock()  # of no positions
    lhs, rhs = varying_alike(lhs, rhs)
    return checkpoint_name(_convolution(lhs, rhs, strides, sides, dilation, feature_group_count, precision), OUTPUT)


def _convolve(x, kernel, strides, padding, dilation, groups, precision):
    stock = partial(_stock, strides=strides, padding=padding, dilation=dilation, groups=groups, precision=precision)
    own = partial(_forward, strides=strides, padding=padding, dilation=dilation, groups=groups)
    return lax.platform_dependent(x, kernel, cpu=with_derivative_of(stock, own), default=stock)


def _save(x, kernel, *options):
    return _convolve(x, kernel, *options), (x, kernel)


def _differentiate(strides, padding, dilation, groups, precision, saved, dy):
    x, kernel = saved
    options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}

    def stock_input(x, kernel, dy):
        return jax.vjp(lambda x: _stock(x, kernel, precision=precision, **options), x)[1](dy)[0]

    def stock_kernel(x, kernel, dy):
        return jax.vjp(lambda kernel: _stock(x, kernel, precision=precision, **options), kernel)[1](dy)[0]

    own_input = with_derivative_of(stock_input, partial(_input_gradient, **options))
    own_kernel = with_derivative_of(stock_kernel, partial(kernel_gradient, **options))
    # Apart, so that a gradient which nobody asks for is not computed.
    return (
        lax.platform_dependent(x, kernel, dy, cpu=own_input, default=stock_input),
        lax.platform_dependent(x, kernel, dy, cpu=own_kernel, default=stock_kernel),
    )


_convolution = jax.custom_vjp(_convolve, nondiff_argnums=(2, 3, 4, 5, 6))
_convolution.defvjp(_save, _differentiate)


def _stock(x, kernel, *, strides, padding, dilation, groups, precision=None):
    return lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation, dimension_numbers=_CHANNELS_LAST,
        feature_group_count=groups, precision=precision,
    )  # fmt: skip


def _forward(x, kernel, *, strides, padding, dilation, groups, swapped=False):
    """Where `swapped`, the kernel is (h, w, K, C), as that of a gradient is."""
    if _has_tiles(x, kernel, strides, dilation):
        return winograd(x, kernel, padding, product=_product_dtype(x.dtype), swapped=swapped)
    kernel = jnp.swapaxes(kernel, -1, -2) if swapped else kernel
    if groups > 1:
        taps = taps_of(x, kernel.shape[:2], strides, padding, dilation)
        wide = jnp.promote_types(x.dtype, jnp.float32)
        weights = kernel.astype(wide).reshape(-1, 1, 1, 1, kernel.shape[-1])
        return reduce(jnp.add, [tap.astype(wide) * w for tap, w in zip(taps, weights, strict=True)]).astype(x.dtype)
    if _is_pointwise(kernel, padding):
        return _product(x[:, :: strides[0], :: strides[1]], kernel[0, 0]).astype(x.dtype)
    if min(kernel.shape[2:]) < _FEWEST_FORWARD or x.dtype != jnp.bfloat16:
        return _stock(x, kernel, strides=strides, padding=padding, dilation=dilation, groups=groups)

    def one(images):
        windows = windows_of(images, kernel.shape[:2], strides, padding, dilation)
        return _product(windows, kernel.reshape(-1, kernel.shape[-1]))

    return map_groups(one, x, tiles=x.shape[1] * x.shape[2], at_most=_POSITIONS)


def _input_gradient(x, kernel, dy, *, strides, padding, dilation, groups):
    """What of dy meets the input at a place depends on the place modulo the strides: a convolution of stride 1 each."""
    if set(dilation) != {1}:
        options = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
        return jax.vjp(lambda x: _stock(x, kernel, **options), x)[1](dy)[0]
    rows, columns = (
        _phases(*sizes) for sizes in zip(x.shape[1:3], dy.shape[1:3], kernel.shape[:2], strides, padding, strict=False)
    )
    places = tuple(-(-size // stride) for size, stride in zip(x.shape[1:3], strides, strict=True))

    def phase(row, column):
        (mine_r, sides_r), (mine_c, sides_c) = row, column
        taps = kernel[mine_r, mine_c]
        if 0 in taps.shape:
            return jnp.zeros((x.shape[0], *places, x.shape[-1]), x.dtype)
        options = {"strides": (1, 1), "padding": (sides_r, sides_c), "dilation": dilation, "groups": groups}
        return _forward(dy, taps[::-1, ::-1], **options, swapped=groups == 1)

    dx = jnp.stack([jnp.stack([phase(row, column) for column in columns], axis=3) for row in rows], axis=2)
    dx = dx.reshape(x.shape[0], places[0] * strides[0], places[1] * strides[1], x.shape[-1])
    return dx[:, : x.shape[1], : x.shape[2]]


def _phases(size, outputs, taps, stride, sides):
    """For each place modulo the stride, its taps of the kernel, and the padding of dy when convolved with them."""
    phases = []
    for place in range(stride):
        first = (place + sides[0]) % stride
        count = len(range(first, taps, stride))
        shift = (place + sides[0] - first) // stride
        phases.append((slice(first, None, stride), (count - 1 - shift, -(-size // stride) + shift - outputs)))
    return phases


def _pays(kernel):
    """Whether a convolution of one group has channels enough to gain."""
    inputs, outputs = kernel.shape[2:]
    return (
        kernel.shape[:2] == (1, 1)
        or min(inputs, outputs) >= _FEWEST_BACKWARD
        or (inputs <= FEW_INPUTS and outputs >= _FEWEST_FROM_AN_IMAGE)
    )


def _is_pointwise(kernel, padding):
    return kernel.shape[:2] == (1, 1) and set(padding) == {(0, 0)}


def _has_tiles(x, kernel, strides, dilation):
    return (
        kernel.shape[:2] == (3, 3)
        and set(strides) == set(dilation) == {1}
        and x.dtype != jnp.float16
        and min(kernel.shape[2:]) >= _FEWEST_FORWARD
    )


def _product_dtype(dtype):
    return jnp.bfloat16 if dtype == jnp.bfloat16 else jnp.promote_types(dtype, jnp.float32)


def _product(x, weights):
    """x · weights over the last axis, in float32 or wider, without which XLA:CPU multiplies bfloat16 slowly."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    return lax.dot_general(x, weights, (((x.ndim - 1,), (0,)), ((), ())), preferred_element_type=wide)
