"""SimAM where a fused kernel can run it: kernels on the platforms that have them, a CPU's own way, else the formula.

Which of them runs is settled when a program is lowered for its platform. The functions take x of (..., H, W, C) and
are right under transformations: `vmap` makes images of what it maps over, derivatives of them are the formula's, and
on several devices under `jit` the images and the channels may be split, each device running its own share; a split of H
or W is undone first, which costs a gather. Three limits are JAX's: a program with GPU kernels in it cannot be
serialised by `jax.export`, nor one for several platforms (trace those under `implementation("xla")`); arrays on a mesh
with Explicit axes go by the formula; and on several TPUs kernels run inside `shard_map` only, for which reason TPUs get
them under `implementation("own")` and not by default.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.experimental.custom_partitioning import custom_partitioning
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops import simam_kernels as kernels
from simam_jax.ops import simam_on_cpu as cpu
from simam_jax.ops.implementation import chosen
from simam_jax.ops.meshes import has_explicit_axes
from simam_jax.ops.simam_formula import Channels, total_of_image
from simam_jax.ops.simam_launch import has_triton
from simam_jax.ops.simam_tiles import Platform

Images = Float[Array, "*batch H W C"]
# Pallas counts an array's elements in 32 bits.
_LARGEST = 2**31 - 1
_FLOATS = (jnp.float32, jnp.bfloat16, jnp.float16)


def suits(x: Array) -> bool:
    """Whether the chosen implementation wants x of (..., H, W, C) in kernels, or in a CPU's own way, by platform.

    `own` takes all that they can run; `auto` leaves out maps of fewer than 4 positions or 8 channels, of which most of
    a block would be empty.
    """
    if chosen() == "xla" or x.dtype not in _FLOATS or not 0 < x.size <= _LARGEST or has_explicit_axes(x):
        return False
    return chosen() == "own" or (x.shape[-3] * x.shape[-2] >= 4 and x.shape[-1] >= 8)


@jax.custom_jvp
def forward(x: Images, e_lambda: Float[Array, ""]) -> tuple[Images, Channels]:
    """y, and each channel's mean and D, (..., 1, 1, C)."""

    def on(platform: Platform, x: Array, e_lambda: Array) -> tuple[Array, Channels]:
        y, *channels = forward_on(platform)(_images(x), e_lambda.reshape(1, 1))
        return y.reshape(x.shape), Channels(*(_like_channels(numbers, x) for numbers in channels))

    return _by_platform(on, _formula_forward, x, e_lambda, cpu=cpu.forward)


@jax.custom_jvp
def backward(x: Images, dy: Images, channels: Channels) -> tuple[Images, Array]:
    """dx, and what each channel adds to λ's gradient, (..., 1, 1, C)."""

    def on(platform: Platform, x: Array, dy: Array, channels: Channels) -> tuple[Array, Array]:
        numbers = (each.reshape(-1, x.shape[-1]) for each in channels)
        dx, slope = backward_on(platform)(_images(x), _images(dy), *numbers)
        return dx.reshape(x.shape), _like_channels(slope, x)

    return _by_platform(on, _formula_backward, x, dy, channels, cpu=cpu.backward)


def forward_affine_relu(x: Images, e_lambda: Array, scale: Float[Array, "C"], bias: Float[Array, "C"]) -> Images:
    """max(scale · simam(x) + bias, 0), in x's dtype."""

    def on(platform: Platform, x: Array, e_lambda: Array, scale: Array, bias: Array) -> Array:
        return forward_affine_relu_on(platform)(_images(x), e_lambda.reshape(1, 1), scale[None], bias[None]).reshape(
            x.shape
        )

    def plainly(x: Array, e_lambda: Array, scale: Array, bias: Array) -> Array:
        values = x.astype(jnp.float32)
        y = formula.gated(values, _statistics(values, e_lambda))
        scale, bias = (numbers.reshape((1,) * (x.ndim - 1) + (-1,)) for numbers in (scale, bias))
        return jnp.maximum(y * scale + bias, 0).astype(x.dtype)

    return _by_platform(on, plainly, x, e_lambda, scale, bias)


# The kernels on one platform, over (N, M, C); with `interpret` on any.


@cache
def forward_on(platform: Platform, interpret: bool = False) -> Callable[..., Any]:
    """`simam_kernels.forward` of (x, e_lambda), right under vmap and on several devices."""
    run = jax.jit(partial(kernels.forward, way=kernels.Way(platform, interpret)))
    return _folding(_sharing(run, ("nmc", "n1"), ("nmc", "nc", "nc")), shared=(1,))


@cache
def forward_affine_relu_on(platform: Platform, interpret: bool = False) -> Callable[..., Any]:
    """`simam_kernels.forward_affine_relu` of (x, e_lambda, scale, bias), likewise."""
    run = jax.jit(partial(kernels.forward_affine_relu, way=kernels.Way(platform, interpret)))
    names = ("nmc", "n1", "nc", "nc")
    return _folding(_sharing(run, names, ("nmc",)), shared=(1, 2, 3))


@cache
def backward_on(platform: Platform, interpret: bool = False) -> Callable[..., Any]:
    """`simam_kernels.backward` of (x, dy, mean, scale), likewise."""
    run = jax.jit(partial(kernels.backward, way=kernels.Way(platform, interpret)))
    names = ("nmc", "nmc", "nc", "nc")
    return _folding(_sharing(run, names, ("nmc", "nc")), shared=())


def _folding(function: Callable[..., Any], shared: Sequence[int]) -> Callable[..., Any]:
    """`function` of arrays whose first axis is images, with more images where `vmap` maps over it.

    Args:
        function: gives arrays with as many images.
        shared: the places of arrays that may have one image for all.
    """
    folded = custom_vmap(function)

    @folded.def_vmap
    def _(size: int, batched: Sequence[bool], *arrays: Array) -> Any:
        images, *rest = arrays[0].shape[batched[0] :]
        if size * images * math.prod(rest) > _LARGEST:
            return _one_by_one(folded, batched, arrays)

        def fold(place: int, array: Array) -> Array:
            if not batched[place]:
                if place in shared and array.shape[0] == 1:
                    return array
                array = jnp.broadcast_to(array[None], (size, *array.shape))
            array = jnp.broadcast_to(array, (size, images, *array.shape[2:]))
            return array.reshape(size * images, *array.shape[2:])

        results = folded(*(fold(place, array) for place, array in enumerate(arrays)))
        unfolded = jax.tree.map(lambda array: array.reshape(size, images, *array.shape[1:]), results)
        return unfolded, jax.tree.map(lambda _: True, unfolded)

    return folded


def _one_by_one(function: Callable[..., Any], batched: Sequence[bool], arrays: Sequence[Array]) -> Any:
    """What `vmap` asks for, without making the arrays larger."""

    def one(mapped: Sequence[Array]) -> Any:
        mapped = list(mapped)
        return function(*(mapped.pop(0) if each else array for each, array in zip(batched, arrays, strict=True)))

    results = jax.lax.map(one, [array for each, array in zip(batched, arrays, strict=True) if each])
    return results, jax.tree.map(lambda _: True, results)


def _sharing(function: Callable[..., Any], operands: Sequence[str], results: Sequence[str]) -> Callable[..., Any]:
    """`function` with the images (n) and the channels (c) of its arrays split over devices as those of the first are.

    Args:
        function: of arrays with the axes that `operands` name.
        operands: the axes of each, a letter an axis; m and 1 are never split, nor is an n of size 1.
        results: likewise.
    """

    # It reads the signature of what it is given, and keyword arguments are in its way.
    def on_every_device(*arrays: Array) -> Any:
        return function(*arrays)

    shared = custom_partitioning(on_every_device)

    def spec(axes: str, shape: tuple[int, ...], first: Any) -> NamedSharding:
        split = dict(zip("nmc", (*first.spec, None, None, None), strict=False)) | {"m": None, "1": None}
        names = [split[axis] if size > 1 else None for axis, size in zip(axes, shape, strict=True)]
        return NamedSharding(first.mesh, PartitionSpec(*names))

    def partition(mesh: Any, arguments: Any, outcome: Any) -> Any:
        first = arguments[0].sharding
        given = tuple(spec(axes, array.shape, first) for axes, array in zip(operands, arguments, strict=True))
        leaves, tree = jax.tree.flatten(outcome)
        made = [spec(axes, array.shape, first) for axes, array in zip(results, leaves, strict=True)]
        return mesh, function, jax.tree.unflatten(tree, made), given

    def rule(mesh: Any, given: Any, made: Any) -> tuple[str, dict[str, Any]]:
        del mesh
        ones = []

        def factors(axes: str, shape: Sequence[int]) -> str:
            names = []
            for axis, size in zip(axes, shape, strict=True):
                names.append(axis if size > 1 or axis in "mc" else f"one{len(ones)}")
                if names[-1].startswith("one"):
                    ones.append(names[-1])
            return " ".join(names)

        sides = [
            ", ".join(factors(axes, value.shape) for axes, value in zip(letters, types, strict=True))
            for letters, types in ((operands, given), (results, made))
        ]
        return " -> ".join(sides), {"need_replication_factors": ("m", *ones)}

    shared.def_partition(partition, sharding_rule=rule)
    return shared


def _by_platform(
    on: Callable[..., Any], plainly: Callable[..., Any], x: Array, *rest: Any, **others: Callable[..., Any]
) -> Any:
    kernels_on = dict(others)
    if has_triton() and (chosen() == "own" or not _has_old_gpu()):
        kernels_on["cuda"] = partial(on, "cuda")
    # On several TPUs a program with a `custom_partitioning` in it does not compile, outside `shard_map`
    # (https://github.com/jax-ml/jax/issues/38196), and how many there will be is not known yet. TPUs have no float16.
    if chosen() == "own" and x.dtype != jnp.float16:
        kernels_on["tpu"] = partial(on, "tpu")
    return jax.lax.platform_dependent(x, *rest, default=plainly, **kernels_on)


@cache
def _has_old_gpu() -> bool:
    """Whether a GPU of this process is one that XLA has no Triton for: below compute capability 8."""
    if jax.default_backend() != "gpu":
        return False
    capabilities = (str(getattr(device, "compute_capability", "")) for device in jax.local_devices())
    return any(int(each.split(".")[0]) < 8 for each in capabilities if each.split(".")[0].isdecimal())


def _images(x: Array) -> Array:
    *batch, height, width, channels = x.shape
    return x.reshape(math.prod(batch), height * width, channels)


def _like_channels(numbers: Array, x: Array) -> Array:
    return numbers.reshape(*x.shape[:-3], 1, 1, x.shape[-1])


def _statistics(values: Array, e_lambda: Array) -> Channels:
    return formula.statistics(values, e_lambda, values.shape[-3] * values.shape[-2], total_of_image)


def _formula_forward(x: Array, e_lambda: Array) -> tuple[Array, Channels]:
    values = x.astype(jnp.float32)
    channels = _statistics(values, e_lambda)
    return formula.gated(values, channels).astype(x.dtype), channels


def _formula_backward(x: Array, dy: Array, channels: Channels) -> tuple[Array, Array]:
    values, dy = x.astype(jnp.float32), dy.astype(jnp.float32)
    sums = formula.slopes(values, dy, channels, total_of_image)
    dx = formula.gradient(values, dy, channels, sums, count=x.shape[-3] * x.shape[-2])
    return dx.astype(x.dtype), formula.lambda_slope(sums, channels)


forward.defjvp(partial(jax.jvp, _formula_forward))
backward.defjvp(partial(jax.jvp, _formula_backward))
