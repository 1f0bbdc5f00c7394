"""Grad-CAM is right where it is known, and its derivatives are those of finite differences."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from small_networks import random_images, random_weights, small_preresnet, small_resnet

from simam_jax.explain.grad_cam import grad_cam, logit_slopes
from simam_jax.explain.interception import apply_observed
from simam_jax.layers.simam import SimAM
from simam_jax.models import create_model

compiled = jax.jit(grad_cam, static_argnums=(0, 3))


class Smooth(nn.Module):
    """Nothing in it has a kink, so that differences come near its derivatives."""

    @nn.compact
    def __call__(self, images, *, train):
        x = jnp.tanh(nn.Conv(4, (3, 3), param_dtype=float, name="conv1")(images))
        x = SimAM(name="attention")(x)
        x = jnp.tanh(nn.Conv(5, (3, 3), strides=2, param_dtype=float, name="conv2")(x))
        return nn.Dense(3, param_dtype=float, name="head")(x.mean((-3, -2)))


@pytest.mark.parametrize(
    ("build", "size", "layer"),
    [
        (small_resnet, 32, "layer3_0"),
        (partial(create_model, "towernet", num_classes=5), 256, "inception3"),
    ],
    ids=["resnet", "towernet"],
)
def test_before_a_mean_and_a_linear_head_it_is_class_activation_mapping(build, size, layer):
    """There α_c is the class's kernel over the number of positions (Selvaraju et al., section 3.1)."""
    model, images = build(), random_images(size)
    variables = random_weights(model, images)
    look = jax.jit(build(features_only=True).apply, static_argnames="train")
    features = np.asarray(look(variables, images, train=False)[-1], np.float64)
    head = {name: np.asarray(leaf, np.float64) for name, leaf in variables["params"]["head"].items()}
    logits = features.mean((1, 2)) @ head["kernel"] + head["bias"]
    # For and against: the classes that fit best and least.
    labels = np.where([True, False, True], logits.argmax(-1), logits.argmin(-1))
    cam = compiled(model, variables, images, (layer,), jnp.asarray(labels))

    weights = head["kernel"].T[labels][:, None, None, :] / np.prod(features.shape[1:3])
    expected = np.maximum((weights * features).sum(-1), 0)
    assert (expected > 0).any()
    assert (expected == 0).any()
    np.testing.assert_allclose(cam.maps[layer], expected, rtol=1e-4, atol=1e-5 * expected.max())
    np.testing.assert_allclose(cam.logits, logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(cam.labels, labels)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_slopes_equal_finite_differences(layer):
    with jax.enable_x64(True):
        model, images = Smooth(), random_images(6, 2, np.float64)
        variables = random_weights(model, images)
        slopes = logit_slopes(model, variables, images, (layer,), jnp.asarray([2, 0]))
        direction = np.random.default_rng(1).normal(size=slopes.features[layer].shape)

        @jax.jit
        def moved(step):
            def move(call, output):
                return output + step * direction if call.name == layer else output

            return apply_observed(model, variables, images, move)[np.asarray([0, 1]), np.asarray([2, 0])]

        step = 1e-5
        differences = (moved(step) - moved(-step)) / (2 * step)
        derivatives = (np.asarray(slopes.gradients[layer]) * direction).sum((1, 2, 3))
    assert np.abs(derivatives).min() > 1e-3
    np.testing.assert_allclose(derivatives, differences, rtol=1e-6)


def test_maps_are_made_of_the_slopes():
    model, images = Smooth(), random_images(6)
    variables = random_weights(model, images)
    layers = ("conv1", "conv2")
    slopes, cam = (
        jax.jit(each, static_argnums=(0, 3))(model, variables, images, layers) for each in (logit_slopes, grad_cam)
    )
    for layer in layers:
        features, gradients = np.asarray(slopes.features[layer]), np.asarray(slopes.gradients[layer])
        weights = gradients.mean((1, 2), keepdims=True)
        np.testing.assert_allclose(cam.maps[layer], np.maximum((weights * features).sum(-1), 0), rtol=1e-5, atol=1e-7)


def test_several_layers_at_once_are_each_alone():
    model, images = Smooth(), random_images(6)
    variables = random_weights(model, images)
    layers = ("conv1", "attention", "conv2")
    together = compiled(model, variables, images, layers)
    for layer in layers:
        alone = compiled(model, variables, images, (layer,))
        np.testing.assert_allclose(together.maps[layer], alone.maps[layer], rtol=1e-5, atol=1e-7)


def test_a_negative_label_is_the_answer():
    model, images = Smooth(), random_images(6)
    variables = random_weights(model, images)
    answers = np.asarray(model.apply(variables, images, train=False)).argmax(-1)
    asked = jnp.asarray([-1, 2, -1])
    cam = compiled(model, variables, images, ("conv2",), asked)
    np.testing.assert_array_equal(cam.labels, [answers[0], 2, answers[2]])
    np.testing.assert_array_equal(compiled(model, variables, images, ("conv2",)).labels, answers)


def test_images_do_not_mix():
    model, images = Smooth(), random_images(6)
    variables = random_weights(model, images)
    together = compiled(model, variables, images, ("conv1",)).maps["conv1"]
    alone = compiled(model, variables, images[1:2], ("conv1",)).maps["conv1"]
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-5, atol=1e-7)


def test_logits_are_the_networks():
    """To rounding: XLA orders a program with a backward pass in another way."""
    model, images = small_preresnet("se"), random_images(32)
    variables = random_weights(model, images)
    plain = jax.jit(lambda v, x: model.apply(v, x, train=False))(variables, images)
    cam = compiled(model, variables, images, ("layer2_0", "features"))
    np.testing.assert_allclose(cam.logits, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_16_bit_networks_have_float32_maps(dtype):
    model, images = small_resnet(dtype=jnp.dtype(dtype)), random_images(32)
    variables = random_weights(model, images)
    cam = jax.eval_shape(lambda v, x: grad_cam(model, v, x, ("layer3_0",)), variables, images)
    assert (cam.maps["layer3_0"].dtype, cam.maps["layer3_0"].shape) == (jnp.float32, (3, 8, 8))


def test_an_unknown_layer():
    model, images = Smooth(), random_images(6)
    variables = random_weights(model, images)
    with pytest.raises(KeyError, match="conv3"):
        compiled(model, variables, images, ("conv3",))
