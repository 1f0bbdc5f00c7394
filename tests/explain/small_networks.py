"""Real networks, but shallow, so that they compile in no time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from simam_jax.layers.placement import place
from simam_jax.layers.preactivation import PreBottleneck
from simam_jax.layers.residual import BasicBlock
from simam_jax.models.cifar_resnet import CifarResNet


def small_resnet(attention: str = "simam", **options) -> CifarResNet:
    """One basic block a stage."""
    return CifarResNet(5, 1, BasicBlock, place(attention, "auto", BasicBlock.positions, stages=3), **options)


def small_preresnet(attention: str = "simam", **options) -> CifarResNet:
    """One pre-activation bottleneck a stage."""
    attentions = place(attention, "auto", PreBottleneck.positions, stages=3)
    return CifarResNet(5, 1, PreBottleneck, attentions, pre_activation=True, **options)


def random_images(size: int, count: int = 3, dtype: type = np.float32) -> jax.Array:
    """Normal numbers, (count, size, size, 3)."""
    return jnp.asarray(np.random.default_rng(0).normal(size=(count, size, size, 3)), dtype)


def random_weights(model: nn.Module, images: jax.Array) -> dict[str, Any]:
    """Variables that keep a signal's size, and batch statistics that are not 0 and 1."""
    random = np.random.default_rng(1)

    def draw(path, leaf) -> jax.Array:
        scale = (2 / np.prod(leaf.shape[:-1])) ** 0.5 if leaf.ndim > 1 else 0.2
        values = random.normal(scale=scale, size=leaf.shape)
        return jnp.asarray(1 + np.abs(values) if path[-1].key in ("var", "scale") else values, leaf.dtype)

    shapes = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), images)
    return jax.tree_util.tree_map_with_path(draw, shapes)
