"""Feature maps have names, and the last one is what is shown unless told otherwise."""

import jax
import jax.numpy as jnp
import pytest

from simam_jax.errors import UsageError
from simam_jax.explain.feature_maps import choose_layers, feature_maps
from simam_jax.models import create_model


def shapes(name: str, size: int, **options):
    model = create_model(name, num_classes=5, **options)
    images = jnp.zeros((1, size, size, 3))
    variables = jax.eval_shape(lambda: model.init(jax.random.key(0), images, train=False))
    return feature_maps(model, variables, size)


def test_in_the_order_in_which_they_are_done():
    found = shapes("towernet", 256)
    outer = {name: shape for name, shape in found.items() if "/" not in name}
    assert outer == {
        "stage1": (128, 128, 64),
        "stage2": (64, 64, 128),
        "stage3": (32, 32, 256),
        "attention3": (16, 16, 256),
        "stage4": (16, 16, 256),
        "attention4": (8, 8, 256),
        "inception1": (8, 8, 256),
        "attention5": (4, 4, 256),
        "inception2": (4, 4, 256),
        "attention6": (2, 2, 256),
        "inception3": (2, 2, 256),
    }
    assert list(outer)[-1] == list(found)[-1] == "inception3"
    assert found["inception1/route5_reduce"] == (8, 8, 16)


@pytest.mark.parametrize(
    ("name", "size", "layer", "shape"),
    [
        ("towernet", 256, "inception3", (2, 2, 256)),
        ("towernet", 128, "inception2", (2, 2, 256)),  # of a single position no picture can be made
        ("vgg11", 64, "attention5", (2, 2, 512)),
        ("resnet18", 64, "layer4_1", (2, 2, 512)),
        ("resnet18", 32, "layer3_1", (2, 2, 256)),
        ("cifar_resnet20_bottleneck", 32, "layer3_1", (8, 8, 256)),
        ("cifar_preresnet20", 32, "features", (8, 8, 64)),  # the last norm's activation is no module
        ("cifar_mobilenet_v2", 32, "features", (4, 4, 1280)),
        ("mobilenet_v2", 64, "features", (2, 2, 1280)),
    ],
)
@pytest.mark.parametrize("attention", ["none", "cbam"])
def test_the_last_map_before_pooling(name, size, layer, shape, attention):
    found = shapes(name, size, attention=attention)
    assert choose_layers(found) == (layer,)
    assert found[layer] == shape


def test_of_single_positions_the_last():
    assert choose_layers({"a": (1, 1, 8), "b": (1, 1, 4)}) == ("b",)


def test_each_once_in_the_order_asked_for():
    found = {"a": (4, 4, 8), "b": (2, 2, 4), "c": (1, 1, 4)}
    assert choose_layers(found, ["c", "a", "c"]) == ("c", "a")


def test_an_unknown_layer_lists_those_there():
    with pytest.raises(UsageError, match=r"no layer 'stage' \(do you mean stage1\?\): it is one of stage1, norm$"):
        choose_layers({"stage1": (4, 4, 8), "norm": (4, 4, 8)}, ["norm", "stage"])


def test_many_layers_are_summed_up():
    found = {f"block{n}{part}": (4, 4, 8) for n in range(30) for part in ("/conv", "/norm", "")}
    with pytest.raises(UsageError, match=r"block0, .*, block29, or one of 60 inside these, such as block29/norm$"):
        choose_layers(found, ["x"])


def test_no_feature_map():
    with pytest.raises(UsageError, match="the network has no feature maps"):
        choose_layers({})
