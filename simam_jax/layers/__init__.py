"""Linen modules: attention, convolution-norm-activation, Inception."""

from simam_jax.layers.attention import attention_names, create_attention

__all__ = ["attention_names", "create_attention"]
