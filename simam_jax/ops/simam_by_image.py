"""SimAM's backward pass with its sums one image at a time, for XLA on a CPU.

Over the whole batch XLA:CPU writes what is summed to memory. One image's stays in the cache; its sums are matrix
products, which inside a loop XLA:CPU runs at full speed, and its reductions not. The gradient itself is one pass over
the batch, outside: XLA:CPU writes a loop's output with one thread. For 32×56×56×64 and 32×14×14×1024 it takes a quarter
of the time in float32.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from simam_jax.ops import simam_formula as formula
from simam_jax.ops.image_groups import from_bits, to_bits
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
    channels = Channels(mean[:, None], scale[:, None])

    def sums_of_an_image(arrays: tuple[Array, Array, Channels]) -> tuple[Array, Array]:
        x, dy = (from_bits(array).astype(jnp.float32) for array in arrays[:2])
        return formula.slopes(x, dy, arrays[2], _total)

    sums = jax.lax.map(sums_of_an_image, (to_bits(x), to_bits(dy), channels))
    dx = formula.gradient(x.astype(jnp.float32), dy.astype(jnp.float32), channels, sums, count=x.shape[1])
    return dx.astype(x.dtype), formula.lambda_slope(sums, channels)[:, 0]


def _total(values: Array) -> Array:
    return jnp.matmul(jnp.ones((1, values.shape[0])), values, precision=jax.lax.Precision.HIGHEST)
