"""The same seed gives a network with an attention and without one the same initial weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from simam_jax.models.registry import create_model


def initial_weights(network: str, attention: str, size: int) -> dict:
    model = create_model(network, num_classes=3, attention=attention)
    init = jax.jit(lambda key: model.init(key, jnp.zeros((1, size, size, 3)), train=False))
    return traverse_util.flatten_dict(init(jax.random.key(5))["params"])


@pytest.mark.parametrize(
    ("network", "size", "attentions"),
    [("towernet", 128, ("simam", "se:reduction=4")), ("cifar_resnet20", 32, ("cbam:reduction=4",))],
)
def test_weights_do_not_depend_on_the_attention(network, size, attentions):
    plain = initial_weights(network, "none", size)
    for attention in attentions:
        attended = initial_weights(network, attention, size)
        assert plain.keys() <= attended.keys()
        assert (plain.keys() == attended.keys()) == (attention == "simam")
        for path, weights in plain.items():
            np.testing.assert_array_equal(weights, attended[path], err_msg="/".join(path))
