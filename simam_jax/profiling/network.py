"""A network's layers and totals, as one plain object."""

import dataclasses
from typing import Any

from flax import linen as nn

from simam_jax.profiling.layers import trace_layers


def summarise(model: nn.Module, *, image_size: int, convention: str = "layers") -> dict[str, Any]:
    """What a network is made of and what it costs for one image.

    Args:
        model: as `simam_jax.create_model` gives it.
        image_size: side of its square images, in pixels.
        convention: how multiply-adds are counted, see `simam_jax.profiling.layers.CONVENTIONS`.

    Returns:
        {"image_size", "convention", "layers": [{"path", "type", "input_shape", "output_shape", "output_bytes",
        "parameters", "batch_stats", "multiply_adds"}, …], "totals": {"parameters", "batch_stats", "multiply_adds",
        "flops", "activation_bytes"}}, ready for JSON. A layer's fields are those of `Layer`. `flops` is twice
        `multiply_adds`. `activation_bytes` adds up the layers' outputs: roughly what an image takes while it waits for
        its gradient.

    Raises:
        ValueError: the network cannot take images of that size, or an unknown convention.
    """
    layers = [dataclasses.asdict(layer) for layer in trace_layers(model, image_size, convention=convention)]

    def total(field: str) -> int:
        return sum(layer[field] for layer in layers)

    return {
        "image_size": image_size,
        "convention": convention,
        "layers": layers,
        "totals": {
            "parameters": total("parameters"),
            "batch_stats": total("batch_stats"),
            "multiply_adds": total("multiply_adds"),
            "flops": 2 * total("multiply_adds"),
            "activation_bytes": total("output_bytes"),
        },
    }
