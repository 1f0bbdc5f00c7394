"""SimAM's backward pass one image at a time, for XLA on a CPU.

Over the whole batch XLA:CPU writes every step of the formula to memory. One image's steps stay in the cache; its sums
over positions are matrix products, which inside a loop XLA:CPU runs at full speed, and its reductions not. Forward and
backward together take half of the time for 32×56×56×64 and 32×14×14×1024.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops.simam_formula import Channels

# An image below this is as fast with the rest of its batch; so are a few channels, which make a thin matrix.
_VALUES, _CHANNELS = 2**15, 32


def pays(positions: int, channels: int) -> bool:
    """Whether it is the faster way for images of that size."""
    return positions * channels >= _VALUES and channels >= _CHANNELS


def backward(
    x: Float[Array, "N M C"], dy: Float[Array, "N M C"], mean: Float[Array, "N C"], scale: Float[Array, "N C"]
) -> tuple[Float[Array, "N M C"], Float[Array, "N C"]]:
    """dx, and what each channel adds to λ's gradient; mean and scale (D) are the forward pass's."""
    count = x.shape[1]

    def of_an_image(arrays: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        x, dy, channels = *(array.astype(jnp.float32) for array in arrays[:2]), Channels(*arrays[2:])
        sums = formula.slopes(x, dy, channels, _total)
        dx = formula.gradient(x, dy, channels, sums, count=count)
        return dx.astype(arrays[0].dtype), formula.lambda_slope(sums, channels)

    dx, slope = jax.lax.map(of_an_image, (x, dy, mean[:, None], scale[:, None]))
    return dx, slope[:, 0]


def _total(values: Array) -> Array:
    return jnp.matmul(jnp.ones((1, values.shape[0])), values, precision=jax.lax.Precision.HIGHEST)
