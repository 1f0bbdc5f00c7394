from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from simam_jax.layers.convolution import SquareConv
from simam_jax.layers.inverted_residual import InvertedResidual
from simam_jax.layers.placement import Placed, Positions, place
from simam_jax.layers.preactivation import PreBasicBlock, PreBottleneck, WideBasicBlock
from simam_jax.layers.residual import BasicBlock, Bottleneck

POSITIONS = Positions(("conv2", "bn2", "add"), simam="conv2", others="bn2")
BLOCKS = {
    "basic": BasicBlock,
    "bottleneck": Bottleneck,
    "pre-activation basic": PreBasicBlock,
    "pre-activation bottleneck": PreBottleneck,
    "wide": WideBasicBlock,
    "inverted": partial(InvertedResidual, expansion=2),
}


class Note(nn.Module):
    """Keeps what it is given."""

    @nn.compact
    def __call__(self, x, *, train=False):
        self.sow("seen", "x", x)
        return x


def build(block, attention: Placed, *, features=8, strides=1, train=False, **options):
    conv = partial(SquareConv, use_bias=False, kernel_init=nn.initializers.he_normal(), dtype=jnp.float32)
    norm = partial(nn.BatchNorm, use_running_average=not train, momentum=0.9, dtype=jnp.float32)
    return block(
        features=features,
        strides=strides,
        conv=conv,
        norm=norm,
        act=nn.relu,
        attention=attention,
        name="block",
        **options,
    )


def test_auto_is_the_authors():
    assert [each.operation for each in place("simam:e_lambda=0.1", "auto", POSITIONS, stages=2)] == ["conv2"] * 2
    assert [each.operation for each in place("none", "auto", POSITIONS, stages=2)] == ["bn2"] * 2


def test_one_a_stage():
    placed = place("simam", "add/none/auto", POSITIONS, stages=3)
    assert [each.operation for each in placed] == ["add", "none", "conv2"]


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        ("bn3", "no placement 'bn3' .*: it is one of auto, conv2, bn2, add, none"),
        ("conv2/", "no placement ''"),
        ("conv2/bn2/add", "of 3 stages where the network has 2"),
    ],
)
def test_what_a_block_lacks_is_named(placement, message):
    with pytest.raises(ValueError, match=message):
        place("simam", placement, POSITIONS, stages=2)


@pytest.mark.parametrize("kind", BLOCKS)
def test_attention_follows_its_operation(kind):
    """What the attention is given is what the operation gave, in every position that the block has."""
    block = BLOCKS[kind]
    x = jax.random.normal(jax.random.key(0), (2, 6, 6, 8))
    positions = (block.func if isinstance(block, partial) else block).positions
    plain = build(block, Placed(Note, "none"))
    variables = plain.init(jax.random.key(1), x, train=False)
    expected, noted = plain.apply(variables, x, train=False, capture_intermediates=True)
    outputs = noted["intermediates"]
    for operation in positions.operations:
        placed = build(block, Placed(Note, operation))
        y, seen = placed.apply(variables, x, train=False, mutable=["seen"])
        np.testing.assert_array_equal(y, expected)
        (given,) = seen["seen"]["attention"]["x"]
        if operation == "add":
            ends_with_act = kind in ("basic", "bottleneck")
            np.testing.assert_array_equal(nn.relu(given) if ends_with_act else given, expected)
        else:
            np.testing.assert_array_equal(given, outputs[operation]["__call__"][0])


@pytest.mark.parametrize("kind", BLOCKS)
def test_the_authors_positions(kind):
    block = BLOCKS[kind]
    positions = (block.func if isinstance(block, partial) else block).positions
    wanted = {
        "basic": ("conv2", "bn2"),
        "bottleneck": ("conv2", "bn3"),
        "pre-activation basic": ("conv2", "conv2"),
        "pre-activation bottleneck": ("conv2", "conv3"),
        "wide": ("conv2", "conv2"),
        "inverted": ("conv2", "bn3"),
    }
    assert (positions.simam, positions.others) == wanted[kind]
    assert {positions.simam, positions.others, "add"} <= set(positions.operations)
