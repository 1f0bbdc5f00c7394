"""Attention for convolutional networks in JAX and Flax.

The names below are imported when they are first used, so that a command which needs no JAX starts without it.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simam_jax.layers.attention import create_attention as create_attention
    from simam_jax.layers.simam import SimAM as SimAM
    from simam_jax.models.registry import create_model as create_model
    from simam_jax.ops.simam import simam as simam

__version__ = "0.2.0.dev0"

_HOMES = {
    "SimAM": "simam_jax.layers.simam",
    "create_attention": "simam_jax.layers.attention",
    "create_model": "simam_jax.models.registry",
    "simam": "simam_jax.ops.simam",
}
_SUBPACKAGES = {"interop", "layers", "models", "ops"}

__all__ = ["SimAM", "__version__", "create_attention", "create_model", "simam"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"simam_jax.{name}")
    raise AttributeError(f"module 'simam_jax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBPACKAGES})
