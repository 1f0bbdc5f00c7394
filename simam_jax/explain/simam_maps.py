"""The energies and gates of every SimAM in a network."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.explain.interception import Call, apply_observed
from simam_jax.layers.simam import SimAM
from simam_jax.ops.simam_energy import EnergyAndGate, simam_energy


def simam_maps(
    model: nn.Module, variables: Mapping[str, Any], images: Float[Array, "B H W 3"]
) -> dict[str, EnergyAndGate]:
    """What every SimAM makes of its input: e* and gate of each neuron, (B, H, W, C).

    SimAM has no variables, and its gate is inside a fused operation, so both are computed here from its input and λ.

    Args:
        model, variables, images: as `apply_observed` takes them.

    Returns:
        By the module's path, such as "attention3" or "layer1_0/attention", in the order in which they run; empty where
        the network has no SimAM.
    """
    maps: dict[str, EnergyAndGate] = {}

    def note(call: Call, output: Array) -> Array:
        if isinstance(call.module, SimAM):
            maps[call.name] = simam_energy(call.x, call.module.e_lambda)
        return output

    apply_observed(model, variables, images, note)
    return maps
