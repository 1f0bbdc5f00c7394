"""An image's answer is its own, whatever company it is in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simam_jax.inference.forward import Forward
from simam_jax.inference.restore import restore
from simam_jax.ops.augment import normalise


@pytest.fixture(scope="module")
def classifier(tiny_run):
    return restore(tiny_run.path, "latest")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 128, 128, 3), np.uint8)


def test_the_batch_divides_among_the_devices(classifier):
    assert [Forward(classifier, batch_size=size).batch_size for size in (1, 2, 3)] == [2, 2, 4]


def test_logits_are_the_models(classifier, images):
    logits = Forward(classifier, batch_size=4).images(images[:3])
    pixels = normalise(jnp.asarray(images[:3]), classifier.mean, classifier.std)
    expected = jax.jit(classifier.model.apply, static_argnames="train")(classifier.state.variables, pixels, train=False)
    assert logits.shape == (3, 3)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_neighbours_do_not_matter(classifier, images):
    forward = Forward(classifier, batch_size=4)
    together = forward.images(images[:4])
    np.testing.assert_array_equal(together[:1], forward.images(images[:1]))
    np.testing.assert_array_equal(together[:2], forward.images(np.stack([images[0], images[1], images[5]]))[:2])
    np.testing.assert_allclose(together[::-1], forward.images(images[3::-1]), rtol=1e-5, atol=1e-6)
