import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from simam_jax.ops.largest import largest


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_values_are_jax_s(axis, dtype):
    x = jax.random.normal(jax.random.key(0), (3, 4, 5), dtype).at[0, 0].set(-jnp.inf).at[1, 1, 1].set(jnp.nan)
    y = largest(x, axis)
    assert y.dtype == dtype
    np.testing.assert_array_equal(np.asarray(y, np.float32), np.asarray(x.max(axis, keepdims=True), np.float32))


# What PyTorch 2.13 gives for torch.max(x, 1) and, of the plane, for adaptive_max_pool2d(x, 1).
def test_ties_are_pytorch_s():
    x = jnp.asarray([[1.0, 3, 3], [2, 2, 0]])
    np.testing.assert_array_equal(jax.grad(lambda x: largest(x, 1).sum())(x), [[0, 1, 0], [1, 0, 0]])
    plane = jnp.asarray([[0.0, 3], [3, 3]])
    np.testing.assert_array_equal(jax.grad(lambda x: largest(largest(x, 1), 0).sum())(plane), [[0, 1], [0, 0]])


def test_derivatives_in_both_modes_and_of_higher_order():
    x = jax.random.permutation(jax.random.key(0), jnp.arange(12.0)).reshape(3, 4) / 4
    check_grads(lambda x: largest(jnp.asarray(x), 1) ** 2, (x,), order=2, modes=("fwd", "rev"), atol=0.05, rtol=0.05)


def test_its_place_is_remembered_and_not_looked_for():
    """Among values that equal nothing, not even themselves, it would not be found."""
    np.testing.assert_array_equal(jax.grad(lambda x: largest(x, 0).sum())(jnp.asarray([1, jnp.nan, 2])), [0, 1, 0])
