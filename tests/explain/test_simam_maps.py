"""Every SimAM of every network gives its map, and the map is the formula's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import random_images, random_weights, small_resnet

from simam_jax.explain.simam_maps import simam_maps
from simam_jax.layers.simam import SimAM
from simam_jax.models import create_model, names
from simam_jax.profiling.layers import trace_layers

# One network of each kind; the others differ in depth.
KINDS = {"towernet", "vgg11", "vgg11_bn", "resnet18", "resnet50", "cifar_resnet20", "cifar_preresnet20",
         "cifar_preresnet20_bottleneck", "cifar_wrn_28_10", "mobilenet_v2", "cifar_mobilenet_v2"}  # fmt: skip


def image_size(name: str) -> int:
    return 128 if name == "towernet" else 32


def found(name: str, **options):
    """Names and shapes of the maps, and the paths of the SimAMs."""
    model, size = create_model(name, num_classes=5, **options), image_size(name)
    images = jax.ShapeDtypeStruct((2, size, size, 3), jnp.float32)
    variables = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), images)
    maps = jax.eval_shape(lambda v, x: simam_maps(model, v, x), variables, images)
    modules = {row.path: row.output_shape for row in trace_layers(model, size) if row.type == SimAM.__name__}
    return maps, modules


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in KINDS else pytest.mark.slow) for n in names()])
def test_as_many_maps_as_modules(name):
    maps, modules = found(name, attention="simam")
    assert len(modules) > 3
    assert {path: each.gate.shape for path, each in maps.items()} == {
        path: (2, *shape) for path, shape in modules.items()
    }
    assert all(each.energy.shape == each.gate.shape for each in maps.values())


@pytest.mark.parametrize(
    ("name", "placement", "count"),
    [
        *(("cifar_resnet20", place, 9) for place in ("conv2", "bn2", "add")),
        *(("cifar_preresnet20_bottleneck", place, 6) for place in ("conv2", "conv3", "add")),
        ("cifar_resnet20_bottleneck", "conv2/none/bn3", 4),
        ("towernet", "none", 0),
    ],
)
def test_at_any_placement(name, placement, count):
    maps, modules = found(name, attention="simam", placement=placement)
    assert len(maps) == len(modules) == count


@pytest.mark.parametrize("attention", ["none", "se"])
def test_without_simam_there_is_nothing(attention):
    assert found("cifar_resnet20", attention=attention)[0] == {}


def test_values_are_the_formulas():
    """SimAM's input and output by Flax's other way of looking inside, and the equations in NumPy."""
    e_lambda, path = 0.1, "layer2_0"
    model, images = small_resnet(f"simam:e_lambda={e_lambda}"), random_images(32)
    variables = random_weights(model, images)
    maps = jax.jit(lambda v, x: simam_maps(model, v, x))(variables, images)[f"{path}/attention"]

    @jax.jit
    def look(variables, images):
        options = {"capture_intermediates": True, "mutable": ["intermediates"]}
        return model.apply(variables, images, train=False, **options)[1]["intermediates"][path]

    inside = look(variables, images)
    x, y = (np.asarray(inside[name]["__call__"][0], np.float64) for name in ("conv2", "attention"))
    squares = (x - x.mean((1, 2), keepdims=True)) ** 2
    variance = squares.sum((1, 2), keepdims=True) / (16 * 16 - 1)
    energy = 4 * (variance + e_lambda) / (squares + 2 * variance + 2 * e_lambda)
    np.testing.assert_allclose(maps.energy, energy, rtol=1e-4)
    np.testing.assert_allclose(maps.gate, 1 / (1 + np.exp(-1 / energy)), rtol=1e-4)
    np.testing.assert_allclose(x * np.asarray(maps.gate), y, rtol=1e-4, atol=1e-6)
