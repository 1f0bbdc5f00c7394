"""The step that is measured does what a training step does."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from simam_jax.profiling.memory import PeakMemory
from simam_jax.profiling.train_step import (
    LEARNING_STEPS,
    MOMENTUM,
    WEIGHT_DECAY,
    first_state,
    initial_variables,
    make_step,
    random_batch,
)

RATE = 0.005


class Tiny(nn.Module):
    @nn.compact
    def __call__(self, images, *, train):
        x = nn.Conv(4, (3, 3))(images)
        x = nn.relu(nn.BatchNorm(use_running_average=not train)(x))
        return nn.Dense(4)(x.mean((-3, -2)))


@pytest.fixture(scope="module")
def model():
    return Tiny()


def test_it_is_coupled_l2_and_momentum(model):
    images, labels = map(jnp.asarray, random_batch(2, 8, 4))
    variables = initial_variables(model, 8)
    step = jax.jit(make_step(model))

    def loss(params, stats):
        logits, updated = model.apply(
            {"params": params, "batch_stats": stats}, images, train=True, mutable=["batch_stats"]
        )
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), updated["batch_stats"]

    gradient_of = jax.jit(jax.value_and_grad(loss, has_aux=True))
    params, stats = variables["params"], variables["batch_stats"]
    momentum = jax.tree.map(jnp.zeros_like, params)
    state = first_state(variables)
    for _ in range(3):
        (expected, stats), gradient = gradient_of(params, stats)
        momentum = jax.tree.map(lambda m, g, p: MOMENTUM * m + g + WEIGHT_DECAY * p, momentum, gradient, params)
        params = jax.tree.map(lambda p, m: p - RATE * m, params, momentum)
        state, found = step(state, images, labels)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), state.params, params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), state.batch_stats, stats)

    for _ in range(LEARNING_STEPS - 3):
        state, _ = step(state, images, labels)
    after, _ = step(state, images, labels)
    change = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), after.params, state.params)
    assert 0 < max(jax.tree.leaves(change)) < 1e-4


def test_weights_and_batch_are_the_same_every_time(model):
    jax.tree.map(np.testing.assert_array_equal, initial_variables(model, 8), initial_variables(model, 8))
    for one, other in zip(random_batch(2, 8, 4), random_batch(2, 8, 4), strict=True):
        np.testing.assert_array_equal(one, other)


def test_peak_memory_sees_what_was_taken_and_given_back():
    peak = PeakMemory()
    peak.forget_the_past()
    taken = np.ones(200 * 2**20, np.uint8)
    del taken
    assert 150 * 2**20 < peak.bytes() < 400 * 2**20
