"""Linen modules: what networks are made of.

Attentions, one a file, by name (`attention`), and what they share: `linear`, `batch_norm`, `pooled_gate`, `options`.
Blocks: `residual`, `preactivation`, `inverted_residual`, `inception`, `conv_norm_act`. What blocks are given: where
their attention stands (`placement`), `convolution`, `initializers`, and the types of these (`factories`).
"""

from simam_jax.layers.attention import attention_names, create_attention

__all__ = ["attention_names", "create_attention"]
