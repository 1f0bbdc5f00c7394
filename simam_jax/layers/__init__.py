"""Linen modules: what networks are made of.

Attentions, one a file, by name (`attention`), and what they share: `linear`, `batch_norm`, `pooled_gate`, `options`.
Blocks: `residual`, `preactivation`, `inverted_residual`, `inception`, `conv_norm_act`. What blocks are given: where
their attention stands (`placement`), `convolution`, `initializers`, and the types of these (`factories`).
"""

from simam_jax.layers.attention import attention_names, create_attention
from simam_jax.layers.bam import BAM
from simam_jax.layers.cbam import CBAM
from simam_jax.layers.coord import CoordinateAttention
from simam_jax.layers.eca import ECA
from simam_jax.layers.ese import ESE
from simam_jax.layers.gc import GC
from simam_jax.layers.ge import GatherExcite
from simam_jax.layers.identity import Identity
from simam_jax.layers.se import SE
from simam_jax.layers.simam import SimAM
from simam_jax.layers.srm import SRM
from simam_jax.layers.triplet import TripletAttention

__all__ = [
    "BAM",
    "CBAM",
    "ECA",
    "ESE",
    "GC",
    "SE",
    "SRM",
    "CoordinateAttention",
    "GatherExcite",
    "Identity",
    "SimAM",
    "TripletAttention",
    "attention_names",
    "create_attention",
]
