import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from simam_jax.layers.initializers import pytorch_bias, pytorch_kernel


def is_uniform(values: np.ndarray, bound: float) -> bool:
    """Whether values fill ±bound, with a uniform distribution's variance."""
    return bool(
        np.abs(values).max() <= bound
        and np.abs(values).max() > 0.97 * bound
        and abs(np.square(values).mean() / (bound**2 / 3) - 1) < 0.1
    )


@pytest.mark.parametrize(
    ("layer", "shape", "fan_in"),
    [
        (nn.Dense, (1, 30), 30),
        (lambda features, **rest: nn.Conv(features, (3, 3), **rest), (1, 5, 5, 8), 72),
        (lambda features, **rest: nn.Conv(features, (3, 3), feature_group_count=4, **rest), (1, 5, 5, 8), 18),
    ],
)
def test_kernel_and_bias_are_uniform_within_one_over_the_root_of_the_fan_in(layer, shape, fan_in):
    module = layer(1000, kernel_init=pytorch_kernel, bias_init=pytorch_bias(fan_in))
    params = jax.tree.map(np.asarray, jax.jit(module.init)(jax.random.key(0), jnp.zeros(shape))["params"])
    assert is_uniform(params["kernel"], 1 / math.sqrt(fan_in))
    assert is_uniform(params["bias"], 1 / math.sqrt(fan_in))


def test_a_fan_in_of_nothing_is_refused():
    with pytest.raises(ValueError, match="pytorch_bias: fan_in must be at least 1, got 0"):
        pytorch_bias(0)
