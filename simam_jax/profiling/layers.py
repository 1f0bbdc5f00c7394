"""A network's layers in numbers, without computing anything."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import traverse_util


class Layer(NamedTuple):
    """One module that computes something itself.

    Attributes:
        path: such as "stage1/conv".
        kind: the module's class.
        input, output: shapes, the batch first.
        parameters, buffers: trainable and running numbers of its own.
        multiply_adds: of convolutions and linear layers; 0 for what is neither.
    """

    path: str
    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    parameters: int
    buffers: int
    multiply_adds: int


def describe(model: nn.Module, image_size: int, *, batch_size: int = 1) -> list[Layer]:
    """The leaf modules of a network in the order they are called, for square images, in evaluation mode.

    Args:
        model: as `simam_jax.create_model` gives it.
        image_size: side of the images, in pixels.
        batch_size: of the shapes and multiply-adds.
    """
    calls: list[tuple[tuple[str, ...], str, tuple[int, ...], tuple[int, ...]]] = []

    def record(next_call, args, kwargs, context: nn.module.InterceptorContext):
        output = next_call(*args, **kwargs)
        if context.method_name == "__call__":
            calls.append((context.module.path, type(context.module).__name__, args[0].shape, output.shape))
        return output

    images = jax.ShapeDtypeStruct((batch_size, image_size, image_size, 3), jnp.float32)
    with nn.intercept_methods(record):
        variables = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), images)
    parents = {path[:depth] for path, *_ in calls for depth in range(len(path))}
    params = traverse_util.flatten_dict(variables["params"])
    buffers = traverse_util.flatten_dict(variables.get("batch_stats", {}))
    return [
        Layer("/".join(path), kind, given, made, _size(params, path), _size(buffers, path), _macs(params, path, made))
        for path, kind, given, made in calls
        if path not in parents
    ]


def _size(variables: Mapping[tuple[str, ...], jax.ShapeDtypeStruct], path: tuple[str, ...]) -> int:
    return sum(math.prod(leaf.shape) for name, leaf in variables.items() if name[:-1] == path)


def _macs(params: Mapping[tuple[str, ...], jax.ShapeDtypeStruct], path: tuple[str, ...], made: tuple[int, ...]) -> int:
    """Each output element takes as many multiply-adds as its kernel has inputs: (h, w, in / groups) or (in)."""
    kernel = params.get((*path, "kernel"))
    return 0 if kernel is None else math.prod(made) * math.prod(kernel.shape[:-1])
