"""Whoever looks on changes nothing, and sees every feature map once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from small_networks import random_images, random_weights, small_preresnet, small_resnet

from simam_jax.explain.interception import apply_observed
from simam_jax.models import create_model


class Again(nn.Module):
    """A module used twice, one with two outputs, one without positions, and one that takes its input by keyword."""

    @nn.compact
    def __call__(self, images, *, train):
        conv = nn.Conv(3, (1, 1), name="conv")
        x = conv(inputs=conv(images))
        a, b = Pair(name="pair")(x)
        return nn.Dense(2, name="head")((a + b).mean((-3, -2)))


class Pair(nn.Module):
    @nn.compact
    def __call__(self, x):
        return x, nn.Conv(3, (1, 1), name="inner")(x)


def watch(model, variables, images):
    """Logits, and what was seen: names, inputs and outputs."""
    seen = []

    def note(call, output):
        seen.append((call.name, call.x, output))
        return output

    return apply_observed(model, variables, images, note), seen


@pytest.mark.parametrize(
    ("model", "size"),
    [(small_resnet(), 32), (small_preresnet("cbam"), 32), (create_model("towernet", num_classes=5), 128)],
    ids=["resnet", "preresnet", "towernet"],
)
def test_logits_keep_their_bits(model, size):
    images = random_images(size)
    variables = random_weights(model, images)
    plain = jax.jit(lambda v, x: model.apply(v, x, train=False))(variables, images)
    watched = jax.jit(lambda v, x: apply_observed(model, v, x, lambda call, output: output))(variables, images)
    np.testing.assert_array_equal(plain, watched)


def test_what_is_seen():
    model, images = Again(), jnp.ones((2, 4, 4, 3))
    variables = model.init(jax.random.key(0), images, train=False)
    logits, seen = watch(model, variables, images)
    assert [name for name, _, _ in seen] == ["conv", "conv#2", "pair/inner"]
    np.testing.assert_array_equal(logits, model.apply(variables, images, train=False))
    np.testing.assert_array_equal(seen[0][1], images)
    np.testing.assert_array_equal(seen[1][1], seen[0][2])


def test_what_an_observer_gives_is_gone_on_with():
    model, images = Again(), jnp.ones((2, 4, 4, 3))
    variables = model.init(jax.random.key(0), images, train=False)
    logits = apply_observed(
        model, variables, images, lambda call, output: 0 * output if call.name == "conv#2" else output
    )
    empty = variables["params"]["pair"]["inner"]["bias"]
    head = variables["params"]["head"]
    np.testing.assert_allclose(logits, jnp.tile(empty @ head["kernel"] + head["bias"], (2, 1)), rtol=1e-6)


def test_nothing_is_watched_afterwards():
    model, images = Again(), jnp.ones((2, 4, 4, 3))
    variables = model.init(jax.random.key(0), images, train=False)
    _, seen = watch(model, variables, images)
    count = len(seen)
    model.apply(variables, images, train=False)
    assert len(seen) == count
