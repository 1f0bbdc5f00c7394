"""Every network starts as its source does, by the distribution of its weights."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from simam_jax.models import create_model

# Of a layer: the distribution of its kernel, and what its bias starts as.
WANTED = {
    "vgg11": {"stage4_conv1": ("normal", 2 / (9 * 512)), "head": ("normal", 0.01**2)},
    "vgg11_bn": {"stage1_conv0": ("normal", 2 / (9 * 64)), "stage4_conv1": ("normal", 2 / (9 * 512))},
    "resnet18": {
        "conv1": ("normal", 2 / (49 * 64)),
        "layer3_1/conv2": ("normal", 2 / (9 * 256)),
        "layer3_0/shortcut_conv": ("normal", 2 / 256),
        "head": ("uniform", 1 / math.sqrt(512)),
    },
    "resnet50": {
        "layer3_1/conv1": ("normal", 2 / 256),
        "layer3_1/conv2": ("normal", 2 / (9 * 256)),
        "layer3_1/conv3": ("normal", 2 / 1024),
        "layer3_0/shortcut_conv": ("normal", 2 / 1024),
        "head": ("uniform", 1 / math.sqrt(2048)),
    },
    "resnet50d": {
        "stem_conv0": ("normal", 2 / (9 * 32)),
        "conv1": ("normal", 2 / (9 * 64)),
        "layer3_0/shortcut_conv": ("normal", 2 / 1024),
        "head": ("uniform", 1 / math.sqrt(2048)),
    },
    # PyTorch's fan_out of a grouped convolution counts the outputs of all groups.
    "resnext50_32x4d": {"layer3_1/conv2": ("normal", 2 / (9 * 512)), "head": ("uniform", 1 / math.sqrt(2048))},
    "mobilenet_v2": {
        "block13/conv1": ("normal", 2 / 576),
        "block13/conv2": ("normal", 2 / (9 * 576)),
        "head": ("normal", 0.01**2),
    },
    "cifar_resnet56": {"layer3_1/conv2": ("uniform", 1 / math.sqrt(9 * 64)), "head": ("uniform", 1 / math.sqrt(64))},
    "cifar_resnet56_bottleneck": {
        "layer3_1/conv1": ("uniform", 1 / math.sqrt(256)),
        "layer3_1/conv3": ("uniform", 1 / math.sqrt(64)),
        "layer3_0/shortcut_conv": ("uniform", 1 / math.sqrt(128)),
        "head": ("uniform", 1 / math.sqrt(256)),
    },
    "cifar_preresnet20": {
        "layer3_1/conv2": ("uniform", 1 / math.sqrt(9 * 64)),
        "layer3_0/shortcut_conv": ("uniform", 1 / math.sqrt(32)),
    },
    "cifar_wrn_28_10": {
        "layer1_1/conv2": ("normal", 2 / (9 * 160)),
        "layer1_0/shortcut_conv": ("normal", 2 / 160),
        "head": ("uniform", 1 / math.sqrt(640)),
    },
    "cifar_mobilenet_v2": {"block13/conv1": ("uniform", 1 / math.sqrt(96)), "head": ("uniform", 1 / math.sqrt(1280))},
}
ZERO_BIAS = {"vgg11", "vgg11_bn", "mobilenet_v2", "cifar_wrn_28_10"}


@pytest.mark.parametrize("name", WANTED)
def test_distributions(name):
    model = create_model(name, num_classes=100)

    # Compiled for these alone: starting a whole network takes its random numbers a second a dozen layers.
    @jax.jit
    def start():
        params = model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False)["params"]
        flat = traverse_util.flatten_dict(params, sep="/")
        return {
            path: flat[path] for path in flat if not path.endswith("kernel") or path[: -len("/kernel")] in WANTED[name]
        }

    started = start()
    for path, (distribution, size) in WANTED[name].items():
        kernel = np.asarray(started[f"{path}/kernel"]).ravel()
        deviation = math.sqrt(size) if distribution == "normal" else size / math.sqrt(3)
        assert abs(kernel.mean()) < 5 * deviation / math.sqrt(kernel.size)
        # A normal's variance is estimated to √(2/n), a uniform's better.
        assert abs(kernel.var() / deviation**2 - 1) < 5 * math.sqrt(2 / kernel.size)
        largest = np.abs(kernel).max()
        # Untruncated, or bounded.
        assert largest > 3.2 * deviation if distribution == "normal" else 0.98 * size < largest <= size
    bias = np.asarray(started.pop("head/bias"))
    if name in ZERO_BIAS:
        assert not bias.any()
    else:
        bound = WANTED[name].get("head", ("uniform", 1 / math.sqrt(64)))[1]
        assert 0.8 * bound < np.abs(bias).max() <= bound
    assert all((leaf == 1).all() for path, leaf in started.items() if path.endswith("scale"))
    assert not any(leaf.any() for path, leaf in started.items() if path.endswith("bias"))
