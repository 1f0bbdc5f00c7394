"""A network's weights under PyTorch's names, and back."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from simam_jax.interop.paddle import from_paddle
from simam_jax.interop.torch import from_torch, to_torch
from simam_jax.models import create_model

GOLDEN = Path(__file__).parents[1] / "golden" / "networks_torch.npz"


def random_variables(name: str, size: int, num_classes: int = 4, **options) -> dict:
    model = create_model(name, num_classes=num_classes, **options)
    images = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
    shapes = jax.eval_shape(lambda key, x: model.init(key, x, train=False), jax.random.key(0), images)
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape, np.float32), shapes)


@pytest.mark.parametrize("name", ["cifar_resnet20", "cifar_resnet20_bottleneck", "resnet18", "resnet50"])
def test_what_goes_out_comes_in_again(name):
    variables = random_variables(name, 32, attention="simam")
    back = from_torch(name, to_torch(name, variables))
    jax.tree.map(np.testing.assert_array_equal, back, variables)


@pytest.mark.parametrize("name", ["cifar_resnet20", "resnet18", "resnet50"])
def test_names_and_shapes_are_pytorchs(name):
    with np.load(GOLDEN) as stored:
        theirs = {key: tuple(shape) for key, shape in json.loads(str(stored[f"{name}/none/shapes"])).items()}
        classes = len(stored[f"{name}/none/eval"][0])
    ours = to_torch(name, random_variables(name, 32, num_classes=classes))
    assert {key: array.shape for key, array in ours.items()} == theirs


def test_towernet_bears_the_names_of_the_original():
    variables = random_variables("towernet", 128)
    arrays = to_torch("towernet", variables)
    assert arrays["b6.weight"].shape == (4, 256)
    paddles = {"running_mean": "_mean", "running_var": "_variance"}
    renamed = {}
    for name, array in arrays.items():
        module, _, leaf = name.rpartition(".")
        renamed[f"{module}.{paddles.get(leaf, leaf)}"] = array.T if name == "b6.weight" else array
    jax.tree.map(np.testing.assert_array_equal, from_paddle("towernet", renamed), variables)


def test_other_networks_list_those_that_are_known():
    with pytest.raises(ValueError, match="no PyTorch names are known for 'vgg11': it is one of cifar_resnet110"):
        to_torch("vgg11", {})
