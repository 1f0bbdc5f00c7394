import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from flax import traverse_util

import simam_jax
from simam_jax.layers import attention_names
from simam_jax.models import create_model, names

# One network of each kind of block.
KINDS = ("towernet", "vgg11", "resnet18", "resnet50", "cifar_preresnet20", "cifar_preresnet20_bottleneck",
         "cifar_wrn_28_10", "mobilenet_v2", "cifar_mobilenet_v2")  # fmt: skip


def image_size(name: str) -> int:
    return 32 if name.startswith("cifar_") else 256


def shapes(name: str, *, size: int | None = None, **options):
    """Output and variables of a network."""
    model = create_model(name, num_classes=7, **options)
    side = size or image_size(name)
    images = jax.ShapeDtypeStruct((2, side, side, 3), jnp.float32)
    return jax.eval_shape(lambda x: model.init_with_output(jax.random.key(0), x, train=False), images)


def check(name: str, attention: str | None) -> None:
    logits, variables = shapes(name, attention=attention)
    assert (logits.shape, logits.dtype) == ((2, 7), jnp.float32)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    assert set(variables) <= {"params", "batch_stats"}
    assert "head" in variables["params"]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("attention", [None, "simam:e_lambda=0.1"])
def test_every_network_plain_and_with_simam(name, attention):
    check(name, attention)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("attention", sorted(set(attention_names()) - {"none", "simam"}))
def test_every_attention_in_every_kind_of_block(name, attention):
    check(name, attention)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("attention", attention_names())
def test_every_network_with_every_attention(name, attention):
    check(name, attention)


def test_the_default_attention_is_the_sources():
    def count(**options) -> int:
        return sum("attention" in path for path in traverse_util.flatten_dict(shapes(**options)[1], sep="/"))

    assert create_model("towernet", num_classes=2).attention().e_lambda == 1e-4
    assert count(name="resnet18") == 0
    assert count(name="resnet18", attention="se") == 8 * 2


@pytest.mark.parametrize(
    ("name", "strides", "channels"),
    [
        ("towernet", (4, 8, 16, 32, 64, 128, 128), (64, 128, 256, 256, 256, 256, 256)),
        ("vgg16_bn", (2, 4, 8, 16, 32), (64, 128, 256, 512, 512)),
        ("resnet18", (4, 8, 16, 32), (64, 128, 256, 512)),
        ("resnet50d", (4, 8, 16, 32), (256, 512, 1024, 2048)),
        ("mobilenet_v2", (2, 4, 8, 16, 32), (16, 24, 32, 96, 320)),
        ("cifar_mobilenet_v2", (1, 2, 4, 8), (24, 32, 96, 320)),
        ("cifar_preresnet20_bottleneck", (1, 2, 4), (64, 128, 256)),
        ("cifar_wrn_28_10", (1, 2, 4), (160, 320, 640)),
    ],
)
def test_features_only(name, strides, channels):
    features, variables = shapes(name, features_only=True)
    side = image_size(name)
    assert [each.shape for each in features] == [
        (2, side // stride, side // stride, width) for stride, width in zip(strides, channels, strict=True)
    ]
    # Detection builds on trained weights: what is left of the variables is the classifier's alone.
    _, whole = shapes(name)
    left = traverse_util.flatten_dict(whole["params"]).keys() - traverse_util.flatten_dict(variables["params"]).keys()
    assert {path[0] for path in left} <= {"head", "fc1", "fc2", "conv2", "bn2", "bn"}


@pytest.mark.parametrize("name", ["resnet50", "cifar_wrn_28_10", "mobilenet_v2"])
def test_bfloat16_keeps_variables_and_logits_float32(name):
    logits, variables = shapes(name, dtype="bfloat16", attention="se")
    assert logits.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    features, _ = shapes(name, dtype="bfloat16", features_only=True)
    assert {each.dtype for each in features} == {jnp.dtype("bfloat16")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "towrnet"}, "unknown network 'towrnet': it is one of .*towernet"),
        ({"num_classes": 0}, "num_classes must be a whole number from 1, got 0"),
        ({"attention": "simm"}, "unknown attention"),
        ({"placement": "bn2"}, "no placement 'bn2': it has auto, after its max-pools, and none"),
        ({"placement": "none", "attention": "simm"}, "unknown attention"),
        ({"name": "vgg19", "placement": "bn2"}, "no placement 'bn2'"),
        ({"name": "resnet18", "placement": "bn3"}, "no placement 'bn3' .* one of auto, conv2, bn2, add, none"),
        ({"name": "resnet18", "placement": "bn2/bn2"}, "of 2 stages where the network has 4"),
        ({"dtype": "float8"}, "unknown dtype"),
        ({"dtype": "int32"}, "unknown dtype"),
        ({"width": 2}, "has no option 'width': it has features_only"),
        ({"name": "resnet18", "groups": 32}, "has no option 'groups': it has features_only"),
        ({"name": "resnet50d", "variant_d": False}, "has no option 'variant_d'"),
        ({"attention": "simam:e_lambda=-1"}, "e_lambda must be a positive finite number"),
        ({"name": "mobilenet_v2", "width": 0.0}, "width must be a positive number"),
        ({"name": "mobilenet_v2", "width": "a"}, "width must be a positive number, got 'a'"),
        ({"name": "vgg11", "dropout": 3.0}, "dropout must be a number from 0 to below 1, got 3.0"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        create_model(**{"name": "towernet", "num_classes": 3, **options})


def test_arguments_of_a_wrong_type_are_named(python_environment):
    """In a process without the tests' own type checks, which would come first."""
    program = """
import numpy as np
from simam_jax import create_attention, create_model

create_model("towernet", num_classes=np.int64(3))
for wrong in ({"num_classes": 2.5}, {"num_classes": "3"}, {"placement": None}, {"attention": 3}):
    try:
        create_model("towernet", **{"num_classes": 3, **wrong})
    except ValueError as error:
        print(error)
try:
    create_attention(3)
except ValueError as error:
    print(error)
"""
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=python_environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "num_classes must be a whole number from 1, got 2.5",
        "num_classes must be a whole number from 1, got '3'",
        "placement must be a name, such as auto or conv2, got None",
        "an attention is a name with options, such as 'se:reduction=8', or None, got 3",
        "an attention is a name with options, such as 'se:reduction=8', or None, got 3",
    ]


@pytest.mark.parametrize("name", ["towernet", "vgg11", "resnet18"])
def test_no_placement_is_no_attention(name):
    images = jnp.zeros((1, 128, 128, 3))

    def parameters(**options):
        model = create_model(name, num_classes=3, **options)
        return jax.eval_shape(lambda: model.init(jax.random.key(0), images, train=False))

    assert parameters(attention="se", placement="none") == parameters(attention="none")


def test_small_images_are_refused_by_vgg():
    with pytest.raises(ValueError, match="at least 32x32 pixels, got 31x31"):
        shapes("vgg11", size=31)


def test_the_face_of_the_package():
    assert isinstance(create_model("cifar_resnet20", num_classes=2), nn.Module)
    assert simam_jax.create_model is create_model
    assert simam_jax.models.names() == names()
    assert set(simam_jax.__all__) <= set(dir(simam_jax))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(simam_jax, "nothing")  # noqa: B009
