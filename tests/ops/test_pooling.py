import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from simam_jax.ops.pooling import max_pool


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (2, 7, 9, 1), (4, 6, 5), (1, 2, 2, 2)])
@pytest.mark.parametrize("window", [2, 3])
def test_values_and_gradients_are_those_of_a_windowed_maximum(shape, window):
    if min(shape[-3:-1]) < window:
        pytest.skip("no window fits")
    x = jax.random.normal(jax.random.key(0), shape)

    def stock(x):
        return nn.max_pool(x, (window, window), (window, window))

    ours, our_vjp = jax.vjp(lambda x: max_pool(x, window), x)
    theirs, their_vjp = jax.vjp(stock, x)
    np.testing.assert_array_equal(ours, theirs)
    dy = jax.random.normal(jax.random.key(1), ours.shape)
    np.testing.assert_array_equal(our_vjp(dy)[0], their_vjp(dy)[0])


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = jnp.zeros((1, 2, 2, 1))
    gradient = jax.grad(lambda x: max_pool(x, 2).sum())(x)
    np.testing.assert_array_equal(gradient.ravel(), [1, 0, 0, 0])


def test_overlapping_windows_are_padded_with_minus_infinity():
    x = -jnp.ones((1, 3, 3, 1))
    np.testing.assert_array_equal(max_pool(x, 3, strides=1, padding=1), x)


def test_nan_goes_through():
    x = jnp.zeros((1, 2, 2, 1)).at[0, 1, 1, 0].set(jnp.nan)
    assert jnp.isnan(max_pool(x, 2)).all()
