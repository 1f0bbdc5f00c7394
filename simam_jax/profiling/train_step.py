"""The training step that is measured: forward, cross-entropy, backward, momentum with an L2 penalty, and no more.

Its input lies in memory as normalised float32. The step of `simam_jax.training` does the same, augments, and takes
metrics besides; it needs libraries that this one does not.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import traverse_util
from jaxtyping import Array, ArrayLike, Float, Int, PyTree

MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4
LEARNING_STEPS = 5


class StepState(NamedTuple):
    """What a step changes."""

    params: PyTree
    batch_stats: PyTree
    opt_state: Any


Step = Callable[[StepState, Array, Array], tuple[StepState, Array]]


def _learning_rate(step: ArrayLike) -> Array:
    """Learns for a few steps and then all but stops: one batch over and over soon leaves no gradient but denormals."""
    return jnp.where(jnp.asarray(step) < LEARNING_STEPS, 0.005, 1e-7)


_optimizer = optax.chain(
    optax.add_decayed_weights(WEIGHT_DECAY),  # before the momentum, as PyTorch's SGD has it
    optax.sgd(_learning_rate, momentum=MOMENTUM),
)


def first_state(variables: dict) -> StepState:
    """The state before the first step, from {"params"} and, where there are some, {"batch_stats"}."""
    params = variables["params"]
    return StepState(params, variables.get("batch_stats", {}), _optimizer.init(params))


def make_step(model: nn.Module) -> Step:
    """`step(state, images, labels) -> (state, loss)`, not compiled; the loss is that before the update."""

    def step(
        state: StepState, images: Float[Array, "B H W 3"], labels: Int[Array, "B"]
    ) -> tuple[StepState, Float[Array, ""]]:
        def mean_loss(params):
            variables = {"params": params, "batch_stats": state.batch_stats}
            logits, updated = model.apply(variables, images, train=True, mutable=["batch_stats"])
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), updated

        (loss, updated), gradient = jax.value_and_grad(mean_loss, has_aux=True)(state.params)
        updates, opt_state = _optimizer.update(gradient, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return StepState(params, updated.get("batch_stats", {}), opt_state), loss

    return step


def initial_variables(model: nn.Module, image_size: int) -> dict:
    """The model's variables, the same every time.

    The last norms of bottlenecks start at a tenth of their usual scale. At the usual one ResNet-50's first gradients in
    float32 differ by percents from those in float64, in any framework, and no two could be compared by their losses.
    """
    init = jax.jit(lambda key, images: model.init(key, images, train=False))
    variables = dict(init(jax.random.key(0), jnp.zeros((1, image_size, image_size, 3))))
    flat = traverse_util.flatten_dict(variables["params"])
    flat = {path: 0.1 * value if path[-2:] == ("bn3", "scale") else value for path, value in flat.items()}
    return {**variables, "params": traverse_util.unflatten_dict(flat)}


def random_batch(batch: int, image_size: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal float32 images (B, S, S, 3) and int32 labels (B,), the same every time."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, image_size, image_size, 3), np.float32)
    return images, rng.integers(classes, size=batch).astype(np.int32)
