"""Which feature maps a network has, and by which names they are asked for."""

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array

from simam_jax.errors import UsageError
from simam_jax.explain.interception import Call, apply_observed

Shapes = Mapping[str, tuple[int, ...]]

# In one line of an error.
_MOST_NAMED = 60


def feature_maps(model: nn.Module, variables: Mapping[str, Any], image_size: int) -> Shapes:
    """(H, W, C) of every feature map of a network, by the module that gives it, in the order in which they are done.

    Args:
        model, variables: as `apply_observed` takes them; nothing is computed.
        image_size: side of its square images, in pixels.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def note(call: Call, output: Array) -> Array:
        shapes[call.name] = output.shape[1:]
        return output

    images = jax.ShapeDtypeStruct((1, image_size, image_size, 3), jnp.float32)
    jax.eval_shape(lambda variables, images: apply_observed(model, variables, images, note), variables, images)
    return shapes


def choose_layers(shapes: Shapes, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The feature maps that are meant, each once.

    Args:
        shapes: those that there are.
        wanted: their names. None is the last one of an outermost module with more than one position: of a single
            position, which TowerNet's last maps have on small images, no picture can be made.

    Raises:
        UsageError: a name that is not there, with those that are; or the network has no feature map.
    """
    if not shapes:
        raise UsageError("the network has no feature maps")
    for name in wanted:
        if name not in shapes:
            near = difflib.get_close_matches(name, shapes, n=1)
            meant = f" (do you mean {near[0]}?)" if near else ""
            raise UsageError(f"the network has no layer {name!r}{meant}: it is one of {_list(shapes)}")
    if wanted:
        return tuple(dict.fromkeys(wanted))
    spread = [name for name in outermost(shapes) if math.prod(shapes[name][:2]) > 1]
    return ((spread or list(shapes))[-1],)


def outermost(shapes: Shapes) -> list[str]:
    """Those of modules that are in no other module but the network."""
    return [name for name in shapes if "/" not in name]


def _list(shapes: Shapes) -> str:
    if len(shapes) <= _MOST_NAMED:
        return ", ".join(shapes)
    outer = outermost(shapes)
    inside = [name for name in shapes if "/" in name]
    return f"{', '.join(outer)}, or one of {len(inside)} inside these, such as {inside[-1]}"
