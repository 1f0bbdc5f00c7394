"""Foreign weights in."""

from simam_jax.interop.paddle import from_paddle

__all__ = ["from_paddle"]
