"""What SimAM weighs a feature map by, to be looked at: its energies and gates."""

import math
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops.simam import Lambda, check_lambda


class EnergyAndGate(NamedTuple):
    """Of every neuron, in the shape of its feature map, float32 or float64.

    Attributes:
        energy: e*, in (0, 2]: 2 at the channel's mean, low where the neuron stands out.
        gate: sigmoid(1 / e*), in [0.6225, 1): what SimAM multiplies x by.
    """

    energy: Float[Array, "*batch H W C"]
    gate: Float[Array, "*batch H W C"]


def simam_energy(x: Float[Array, "*batch H W C"], e_lambda: Lambda = 1e-4) -> EnergyAndGate:
    """Minimal energies e* = 4 (σ² + λ) / ((x - μ)² + 2σ² + 2λ) and gates (Yang et al., ICML 2021, eq. 5 and 6).

    The same statistics as in `simam_jax.simam`: over a channel's positions, in float32 for 16-bit x, σ² over M - 1. A
    single position has the limit, an energy of 2.

    Raises:
        ValueError: λ is not a positive finite scalar.
    """
    check_lambda(e_lambda)
    values = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    total = partial(jnp.sum, axis=(-3, -2), keepdims=True)
    channels = formula.statistics(values, jnp.asarray(e_lambda, values.dtype), math.prod(values.shape[-3:-1]), total)
    t, gate = formula.gate(values - channels.mean, channels)
    return EnergyAndGate(1 / (t + 0.5), gate)
