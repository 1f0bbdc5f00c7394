"""Every kind of block with every attention: gradients are finite, and reach every parameter."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import traverse_util

from simam_jax.layers import attention_names
from simam_jax.layers.convolution import SquareConv
from simam_jax.layers.inverted_residual import InvertedResidual
from simam_jax.layers.placement import place
from simam_jax.layers.preactivation import PreBasicBlock, PreBottleneck, WideBasicBlock
from simam_jax.layers.residual import BasicBlock, Bottleneck

BLOCKS = {
    "basic": BasicBlock,
    "bottleneck": partial(Bottleneck, groups=2),
    "pre-activation basic": PreBasicBlock,
    "pre-activation bottleneck": PreBottleneck,
    "wide": WideBasicBlock,
    "inverted": partial(InvertedResidual, expansion=2),
}
# No change of these changes anything, so that their gradient is rounding.
DEAD = {
    "gc": {"mask/bias"},  # added to every input of a softmax
    "bam": {"fc2/bias", "project/bias"},  # added to all that a batch norm sees of a channel
    "coord": {"conv1/bias"},  # likewise
}
# Of the largest gradient in the block. Those of the dead are below 1e-7, all others above 1e-5.
ROUNDING = 1e-6


class Block(nn.Module):
    """A block that shrinks and widens, so that it has a shortcut too."""

    kind: str
    attention: str

    @nn.compact
    def __call__(self, x):
        conv = partial(SquareConv, use_bias=False, kernel_init=nn.initializers.he_normal(), dtype=jnp.float32)
        norm = partial(nn.BatchNorm, use_running_average=False, dtype=jnp.float32)
        block = BLOCKS[self.kind]
        positions = (block.func if isinstance(block, partial) else block).positions
        (placed,) = place(self.attention, "auto", positions, stages=1)
        return block(
            features=64, strides=2, conv=conv, norm=norm, act=nn.relu, attention=placed, name="block"
        )(x, train=True)  # fmt: skip


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("attention", attention_names())
def test_gradients(kind, attention):
    model = Block(kind, attention)
    # Images that differ in their means: else a ReLU after a mean may let all pass or none, and its bias be dead too.
    images, means = jax.random.split(jax.random.key(0))
    x = jax.random.normal(images, (4, 8, 8, 8)) + 3 * jax.random.normal(means, (4, 1, 1, 8))
    shapes = jax.eval_shape(model.init, jax.random.key(1), x)
    # Not as they start: some modules start their last layer at zero, which stops the gradient of those before it.
    leaves, structure = jax.tree.flatten(shapes)
    random = np.random.default_rng(0)
    variables = jax.tree.unflatten(structure, [0.3 + 0.3 * random.random(leaf.shape, np.float32) for leaf in leaves])
    variables["params"] = jax.tree.map(
        lambda leaf: random.permuted(leaf) * random.choice([-1, 1], leaf.shape), variables["params"]
    )
    cotangent = jnp.asarray(
        random.standard_normal(jax.eval_shape(lambda: model.apply(variables, x, mutable=["batch_stats"])[0]).shape),
        jnp.float32,
    )

    @jax.jit
    def gradient(variables, x):
        def loss(params, x):
            return (model.apply({**variables, "params": params}, x, mutable=["batch_stats"])[0] * cotangent).sum()

        return jax.grad(loss, (0, 1))(variables["params"], x)

    params, inputs = gradient(variables, x)
    flat = traverse_util.flatten_dict(params, sep="/") | {"x": inputs}
    assert all(np.isfinite(leaf).all() for leaf in flat.values())
    largest = max(np.abs(leaf).max() for leaf in flat.values())
    dead = {name for name, leaf in flat.items() if np.abs(leaf).max() < ROUNDING * largest}
    assert dead == {f"block/attention/{name}" for name in DEAD.get(attention, set())}
