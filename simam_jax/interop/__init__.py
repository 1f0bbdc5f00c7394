"""Foreign weights in."""

from simam_jax.interop.paddle import from_paddle
from simam_jax.interop.torch import from_torch

__all__ = ["from_paddle", "from_torch"]
