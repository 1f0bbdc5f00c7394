"""Exact numbers of parameters that a module adds to a network: one for each block, on the block's width."""

import jax
import jax.numpy as jnp
import pytest

from simam_jax import create_attention
from simam_jax.layers import attention_names

MOBILENET_V2 = {16: 1, 24: 2, 32: 3, 64: 4, 96: 3, 160: 3, 320: 1}
BLOCKS = {
    "resnet18": {64: 2, 128: 2, 256: 2, 512: 2},
    "resnet34": {64: 3, 128: 4, 256: 6, 512: 3},
    "resnet50": {256: 3, 512: 4, 1024: 6, 2048: 3},
    "resnet101": {256: 3, 512: 4, 1024: 23, 2048: 3},
    "mobilenet_v2": MOBILENET_V2,
}


def parameters(spec: str, channels: int) -> int:
    x = jax.ShapeDtypeStruct((1, 4, 4, channels), jnp.float32)
    variables = jax.eval_shape(create_attention(spec).init, jax.random.key(0), x)
    return sum(leaf.size for leaf in jax.tree.leaves(variables.get("params", {})))


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("none", (0, 0, 0, 0, 0)),
        ("simam", (0, 0, 0, 0, 0)),
        ("ge", (0, 0, 0, 0, 0)),
        ("se", (87_040, 157_184, 2_514_944, 4_743_168, 28_416)),
        ("cbam", (89_880, 162_796, 2_532_592, 4_781_012, 31_713)),
        ("eca", (36, 74, 86, 171, 59)),
        ("srm", (2 * 3_840, 2 * 7_552, 2 * 30_208, 2 * 65_024, 2 * 3_008)),  # as many again in the batch norm
    ],
)
def test_the_papers_networks(name, added):
    for blocks, wanted in zip(BLOCKS.values(), added, strict=True):
        assert sum(number * parameters(name, channels) for channels, number in blocks.items()) == wanted


@pytest.mark.parametrize("channels", [8, 64, 512])
def test_each_width(channels):
    hidden = max(channels // 16, 1)
    rows = max(8, channels // 32)
    wanted = {
        "none": 0,
        "simam": 0,
        "ge": 0,
        "se": 2 * channels * hidden,
        "cbam": 2 * channels * hidden + hidden + channels + 98 + 2,
        "eca": {8: 3, 64: 3, 512: 5}[channels],
        "srm": 4 * channels,
        "gc": channels + 1 + 2 * channels * hidden + hidden + channels + 2 * hidden,
        "ese": channels**2 + channels,
        "bam": 2 * channels * hidden
        + hidden
        + channels
        + 2 * channels
        + (channels + 1) * hidden
        + 2 * (9 * hidden + 1) * hidden
        + hidden
        + 1
        + 2,
        "coord": (channels + 1) * rows + 2 * rows + 2 * (rows + 1) * channels,
        "triplet": 3 * (98 + 2),
    }
    assert {name: parameters(name, channels) for name in attention_names()} == wanted


@pytest.mark.parametrize(
    ("channels", "kernel_size"), [(1, 1), (4, 1), (16, 3), (64, 3), (96, 3), (128, 5), (256, 5), (512, 5), (2048, 7)]
)
def test_ecas_kernel_grows_with_the_logarithm_of_the_channels(channels, kernel_size):
    assert parameters("eca", channels) == kernel_size


def test_options_change_the_numbers():
    assert parameters("se:reduction=8", 64) == 2 * 64 * 8
    assert parameters("cbam:reduction=8,kernel_size=3", 64) == 2 * 64 * 8 + 8 + 64 + 18 + 2
    assert parameters("eca:kernel_size=9", 64) == 9
    assert parameters("triplet:kernel_size=3", 64) == 3 * (18 + 2)
