"""Networks, one family a file, and `create_model`."""

from simam_jax.models.registry import create_model, names

__all__ = ["create_model", "names"]
