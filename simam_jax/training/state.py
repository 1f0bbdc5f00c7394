"""What training carries from one step to the next."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import struct
from jaxtyping import Array, PyTree, UInt32

Seed = int | np.uint32 | UInt32[Array, ""]
"""Of what is random in a run, from 0 to below 2**32; it may be traced."""


@struct.dataclass
class TrainState:
    """A run at a step.

    Attributes:
        step: updates done, an int32 scalar.
        params: the network's parameters, float32.
        batch_stats: its running statistics, float32; {} where it has none.
        opt_state: the optimizer's.
    """

    step: PyTree
    params: PyTree
    batch_stats: PyTree
    opt_state: PyTree

    @property
    def variables(self) -> dict[str, PyTree]:
        """What `model.apply` takes."""
        return {"params": self.params, "batch_stats": self.batch_stats}


def create_state(
    model: nn.Module, optimizer: optax.GradientTransformation, *, image_size: int, seed: Seed
) -> TrainState:
    """A run before its first step; a function of the model and the seed.

    Args:
        model: as `simam_jax.create_model` gives it.
        optimizer: whose state starts with it.
        image_size: side of the images, in pixels.
        seed: of the initial weights.
    """
    images = jnp.zeros((1, image_size, image_size, 3))
    variables = model.init(jax.random.key(seed), images, train=False)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=variables["params"],
        batch_stats=variables.get("batch_stats", {}),
        opt_state=optimizer.init(variables["params"]),
    )
