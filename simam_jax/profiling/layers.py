"""A network's layers and what each costs, found by tracing: nothing is computed and no weight is made."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import PyTree

from simam_jax.layers.attention import is_attention
from simam_jax.layers.identity import Identity

Shape = tuple[int, ...]

CONVENTIONS = ("layers", "paper")
"""How multiply-adds are counted: those of convolutions and linear layers alone; or with two for every element of a
batch norm besides, as in table 3 of the SimAM paper."""


@dataclass(frozen=True)
class Layer:
    """One call of a module that has variables of its own, or no module inside it, or that is an attention.

    What gives its input back, the identity or dropout in evaluation, is none.

    Attributes:
        path: the module's place in the network, such as "stage1/conv".
        type: its class.
        input_shape, output_shape: of one image, without the batch axis.
        output_bytes: size of its output for one image, in the dtype it is computed in.
        parameters: trainable numbers of its own; 0 for later calls of a module that is used again.
        batch_stats: running statistics of its own, likewise.
        multiply_adds: of one image, by the convention asked for; 0 for what it does not count.
    """

    path: str
    type: str
    input_shape: Shape
    output_shape: Shape
    output_bytes: int
    parameters: int
    batch_stats: int
    multiply_adds: int


def trace_layers(model: nn.Module, image_size: int, *, convention: str = "layers") -> list[Layer]:
    """The layers of a network in the order in which they begin.

    A layer with a parameter `kernel` (…, inputs, outputs) is taken for a convolution or linear layer: it costs one
    multiply-add for every kernel element and output position, biases not counted.

    Args:
        model: as `simam_jax.create_model` gives it.
        image_size: side of its square images, in pixels.
        convention: one of `CONVENTIONS`.

    Raises:
        ValueError: the network cannot take images of that size, or an unknown convention.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"unknown convention {convention!r}: it is one of {', '.join(CONVENTIONS)}")
    calls: list[_Call] = []

    def note(next_call, args, kwargs, context: nn.module.InterceptorContext) -> Any:
        if context.method_name != "__call__":
            return next_call(*args, **kwargs)
        call = _Call(context.module, args)
        calls.append(call)
        call.output = next_call(*args, **kwargs)
        # Read here: outside its call a module has no variables.
        call.variables = context.module.variables
        return call.output

    def run(images: jax.Array) -> PyTree:
        with nn.intercept_methods(note):
            return model.init(jax.random.key(0), images, train=False)

    jax.eval_shape(run, jax.ShapeDtypeStruct((1, image_size, image_size, 3), jnp.float32))
    parents = {call.path[:-1] for call in calls if call.path}
    seen: set[tuple[str, ...]] = set()
    layers = []
    for call in calls:
        if call.passes_through:
            continue
        if call.path not in parents or call.is_attention or call.own("params") or call.own("batch_stats"):
            layers.append(_describe(call, convention, used_before=call.path in seen))
            seen.add(call.path)
    return layers


class _Call:
    """A module called: what went in, what came out, and the module's variables."""

    def __init__(self, module: nn.Module, args: tuple):
        self.path: tuple[str, ...] = module.path
        self.type = type(module).__name__
        self.is_attention = is_attention(module)
        self.passes_through = isinstance(module, Identity | nn.Dropout)
        self.args = args
        self.output: PyTree = None
        self.variables: Mapping[str, Any] = {}

    def own(self, collection: str) -> dict[str, jax.Array]:
        """Its variables that are not those of a module inside it."""
        return {k: v for k, v in self.variables.get(collection, {}).items() if not isinstance(v, Mapping)}


def _describe(call: _Call, convention: str, *, used_before: bool) -> Layer:
    parameters, batch_stats = call.own("params"), call.own("batch_stats")
    output = jax.tree.leaves(call.output)[0]
    return Layer(
        path="/".join(call.path),
        type=call.type,
        input_shape=jax.tree.leaves(call.args)[0].shape[1:],
        output_shape=output.shape[1:],
        output_bytes=output.size * output.dtype.itemsize,
        parameters=0 if used_before else _size(parameters),
        batch_stats=0 if used_before else _size(batch_stats),
        multiply_adds=_multiply_adds(parameters.get("kernel"), output.shape)
        + (2 * output.size if batch_stats and convention == "paper" else 0),
    )


def _multiply_adds(kernel: jax.Array | None, output: Shape) -> int:
    if kernel is None:
        return 0
    return math.prod(output) // kernel.shape[-1] * kernel.size


def _size(variables: Mapping[str, jax.Array]) -> int:
    return sum(value.size for value in variables.values())
