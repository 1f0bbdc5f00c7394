"""What is explained of a network, in a line."""

import math
from collections.abc import Sequence

from simam_jax.explain.feature_maps import Shapes, outermost

# Positions from which a map is worth calling finer: 7×7, as in ImageNet's networks.
_FINE = 49


def describe_maps(shapes: Shapes, layers: Sequence[str], simam_layers: Sequence[str]) -> str:
    """Names and sizes of the maps, and, where Grad-CAM's are coarse, the last layer that has finer ones.

    Args:
        shapes: those of all feature maps.
        layers: those that Grad-CAM is of.
        simam_layers: those that are SimAM.
    """
    simam = f"SimAM: {_sizes(shapes, simam_layers)}" if simam_layers else "the network has no SimAM to show"
    said = f"Grad-CAM: {_sizes(shapes, layers)}; {simam}"
    finer = [name for name in outermost(shapes) if _positions(shapes, name) >= _FINE]
    if finer and all(_positions(shapes, name) < _FINE for name in layers):
        said += f"; Grad-CAM's maps are coarse, a finer one is --layer {_sizes(shapes, finer[-1:])}"
    return said


def _positions(shapes: Shapes, layer: str) -> int:
    return math.prod(shapes[layer][:2])


def _sizes(shapes: Shapes, layers: Sequence[str]) -> str:
    return ", ".join(f"{name} ({shapes[name][0]}×{shapes[name][1]})" for name in layers)
