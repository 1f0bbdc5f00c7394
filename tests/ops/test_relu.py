import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import nn
from jax.test_util import check_grads

from simam_jax.ops.implementation import implementation
from simam_jax.ops.relu import relu, relu6

BOTH = pytest.mark.parametrize(("own", "jax_s"), [(relu, nn.relu), (relu6, nn.relu6)])
VALUES = [-jnp.inf, -8.0, -1.0, -0.0, 0.0, 1e-30, 0.5, 5.9, 6.0, 6.1, 8.0, jnp.inf, jnp.nan]


@BOTH
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
def test_values_are_jax_s(own, jax_s, dtype):
    x = jnp.asarray(VALUES, dtype)
    y = own(x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(np.asarray(y, np.float32), np.asarray(jax_s(x), np.float32))


# What PyTorch 2.13 gives as the gradients of sum(relu(x)) and sum(relu6(x)), but for that of NaN, which is 1 there.
@pytest.mark.parametrize(
    ("own", "slopes"),
    [(relu, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0]), (relu6, [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0])],
)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_gradients_at_the_corners_are_pytorchs(own, slopes, dtype):
    dx = jax.jit(jax.grad(lambda x: own(x).sum()))(jnp.asarray(VALUES, dtype))
    assert dx.dtype == dtype
    np.testing.assert_array_equal(np.asarray(dx, np.float32), slopes)


@BOTH
def test_derivatives_in_both_modes_and_of_higher_order(own, jax_s):
    x = jnp.asarray([-7.0, -1.0, 0.5, 3.0, 7.0])
    check_grads(lambda x: own(jnp.asarray(x)) ** 2, (x,), order=2, modes=("fwd", "rev"), atol=0.05, rtol=0.05)
    np.testing.assert_array_equal(jax.vmap(jax.grad(own))(x), jax.vmap(jax.grad(jax_s))(x))


@pytest.mark.parametrize("own", [relu, relu6])
@pytest.mark.parametrize(
    ("platform", "dtype", "choice", "has_one"),
    [
        ("cpu", jnp.bfloat16, "auto", True),
        ("cpu", jnp.bfloat16, "xla", False),
        ("cpu", jnp.float32, "auto", False),
        ("cuda", jnp.bfloat16, "auto", False),
        ("tpu", jnp.bfloat16, "auto", False),
    ],
)
def test_only_bfloat16_on_a_cpu_has_the_barrier(own, platform, dtype, choice, has_one):
    gradient = jax.jit(jax.vmap(jax.grad(lambda x: own(x).sum())))
    with implementation(choice):
        lowered = gradient.trace(jnp.ones((2, 3), dtype)).lower(lowering_platforms=(platform,))
    assert ("optimization_barrier" in lowered.as_text()) == has_one
