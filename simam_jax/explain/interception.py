"""The feature maps inside a network, seen or changed while it runs; the network need not know."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float


class Call(NamedTuple):
    """A call of a module that gives a feature map.

    Attributes:
        name: the module's path, such as "layer1_0/attention"; a later call of the same module has "#2" and so on behind
            it.
        module: the module.
        x: what went in.
    """

    name: str
    module: nn.Module
    x: Any


Observer = Callable[[Call, Array], Array]
"""Gets a call and the feature map that came out, and gives what the network goes on with."""


def apply_observed(
    model: nn.Module, variables: Mapping[str, Any], images: Float[Array, "B H W 3"], observe: Observer
) -> Float[Array, "B classes"]:
    """A network's logits in evaluation mode, its feature maps shown to an observer as each is done.

    A feature map is what a module inside the network returns where that is one floating array (B, H, W, C). Modules
    come in the order in which they end, so one that holds others comes after them. What the network does between
    modules, such as an activation applied as a function, is no module.

    Args:
        model: as `simam_jax.create_model` gives it; without lifted transformations (`nn.scan`, `nn.remat`), whose
            inner arrays mean nothing outside.
        variables: its variables.
        images: normalised.
        observe: called while tracing, under `jax.jit`.
    """
    calls: Counter[str] = Counter()

    def intercept(next_call, args, kwargs, context: nn.module.InterceptorContext) -> Any:
        output = next_call(*args, **kwargs)
        path = "/".join(context.module.path)
        if context.method_name != "__call__" or not path or not _is_feature_map(output):
            return output
        calls[path] += 1
        name = path if calls[path] == 1 else f"{path}#{calls[path]}"
        return observe(Call(name, context.module, args[0] if args else next(iter(kwargs.values()))), output)

    with nn.intercept_methods(intercept):
        return cast(Array, model.apply(variables, images, train=False))


def _is_feature_map(output: Any) -> bool:
    return isinstance(output, jax.Array) and output.ndim == 4 and jnp.issubdtype(output.dtype, jnp.floating)
