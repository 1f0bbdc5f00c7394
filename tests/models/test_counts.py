"""Exact numbers of trainable parameters."""

import jax
import jax.numpy as jnp
import pytest

from simam_jax.models import create_model

# By (network, classes).
PLAIN = {
    ("vgg19", 1000): 143_667_240,
    ("vgg19", 16): 139_635_792,
    ("resnet50", 1000): 25_557_032,
    ("resnet50", 16): 23_540_816,
    ("mobilenet_v2", 1000): 3_504_872,
    ("mobilenet_v2", 16): 2_244_368,
    ("cifar_resnet20", 10): 272_474,
    ("cifar_resnet20", 100): 278_324,
    ("cifar_resnet56", 10): 855_770,
    ("cifar_resnet56", 100): 861_620,
    ("cifar_resnet56_bottleneck", 10): 591_322,
    ("cifar_resnet56_bottleneck", 100): 614_452,
    ("cifar_resnet110", 10): 1_730_714,
    ("cifar_resnet110", 100): 1_736_564,
    ("cifar_resnet110_bottleneck", 10): 1_147_738,
    ("cifar_resnet110_bottleneck", 100): 1_170_868,
    ("cifar_preresnet20", 10): 272_282,
    ("cifar_preresnet20", 100): 278_132,
    ("cifar_preresnet56", 10): 855_578,
    ("cifar_preresnet56", 100): 861_428,
    ("cifar_preresnet56_bottleneck", 10): 590_426,
    ("cifar_preresnet56_bottleneck", 100): 613_556,
    ("cifar_preresnet110", 10): 1_730_522,
    ("cifar_preresnet110", 100): 1_736_372,
    ("cifar_preresnet110_bottleneck", 10): 1_146_842,
    ("cifar_preresnet110_bottleneck", 100): 1_169_972,
    ("cifar_wrn_28_10", 10): 36_479_194,
    ("cifar_wrn_28_10", 100): 36_536_884,
    ("cifar_mobilenet_v2", 10): 2_296_922,
    ("cifar_mobilenet_v2", 100): 2_412_212,
}
# The paper's table 3, in millions.
TABLE_3 = {
    "resnet18": 11.69,
    "resnet34": 21.80,
    "resnet50": 25.56,
    "resnet101": 44.55,
    "resnext50_32x4d": 25.03,
    "mobilenet_v2": 3.50,
}
# What a module adds, in the order of table 3's networks.
ADDED = {
    "simam": (0, 0, 0, 0, 0, 0),
    "ge": (0, 0, 0, 0, 0, 0),
    "se": (87_040, 157_184, 2_514_944, 4_743_168, 2_514_944, 28_416),
    "cbam": (89_880, 162_796, 2_532_592, 4_781_012, 2_532_592, 31_713),
    "eca": (36, 74, 86, 171, 86, 59),
    # 2C weights, and 2C of its batch norm.
    "srm": (2 * 3_840, 2 * 7_552, 2 * 30_208, 2 * 65_024, 2 * 30_208, 2 * 3_008),
}


def parameters(name: str, **options) -> int:
    model = create_model(name, **options)
    images = jnp.zeros((1, 32 if name.startswith("cifar_") else 224, 32 if name.startswith("cifar_") else 224, 3))
    variables = jax.eval_shape(lambda: model.init(jax.random.key(0), images, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize(("name", "classes"), PLAIN)
def test_plain_networks(name, classes):
    assert parameters(name, num_classes=classes) == PLAIN[name, classes]


@pytest.mark.parametrize("name", TABLE_3)
def test_table_3(name):
    assert round(parameters(name, num_classes=1000) / 1e6, 2) == TABLE_3[name]


@pytest.mark.parametrize("attention", ADDED)
@pytest.mark.parametrize(("place", "name"), list(enumerate(TABLE_3)))
def test_what_attention_adds(attention, place, name):
    plain = parameters(name, num_classes=10)
    assert parameters(name, num_classes=10, attention=attention) - plain == ADDED[attention][place]


@pytest.mark.parametrize(("width", "head"), [(0.5, 1280), (1.4, 1792)])
def test_mobilenets_width(width, head):
    model = create_model("mobilenet_v2", num_classes=10, width=width)
    variables = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False))
    assert variables["params"]["head"]["kernel"].shape == (head, 10)
    assert variables["params"]["conv1"]["kernel"].shape == (3, 3, 3, {0.5: 16, 1.4: 48}[width])
