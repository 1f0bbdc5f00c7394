import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import given, settings
from hypothesis import strategies as st

from simam_jax.layers.conv_norm_act import ConvNormAct
from simam_jax.layers.convolution import SquareConv
from simam_jax.ops.implementation import implementation
from simam_jax.ops.pooling import adaptive_average_pool, average_pool, max_pool, upsample_nearest


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


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_second_derivatives_are_those_of_a_windowed_maximum(dtype):
    x, direction = (jax.random.normal(jax.random.key(n), (2, 6, 6, 3)).astype(dtype) for n in (0, 1))

    def along(pool):
        gradient = jax.grad(lambda x: (pool(x).astype(jnp.float32) ** 2).sum())
        forward = jax.jvp(gradient, (x,), (direction,))[1]
        return forward, jax.grad(lambda x: (gradient(x).astype(jnp.float32) * direction).sum())(x)

    ours = along(partial(max_pool, window=2))
    assert all(each.any() for each in ours)
    for our, their in zip(ours, along(partial(nn.max_pool, window_shape=(2, 2), strides=(2, 2))), strict=True):
        np.testing.assert_allclose(our.astype(jnp.float32), their.astype(jnp.float32), rtol=1e-2)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    window=st.integers(1, 4),
    strides=st.integers(1, 4),
    padding=st.integers(0, 2),
    size=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    dtype=st.sampled_from(["float32", "bfloat16", "float16"]),
)
def test_any_window_agrees_with_lax(window, strides, padding, size, dtype):
    """Small integers: 16 bits hold them and their sums, and many of a window's maxima are equal."""
    padding = min(padding, window // 2)  # PyTorch's bound, so that no window lies in the padding alone
    x = jax.random.randint(jax.random.key(0), (2, *size, 3), -2, 3).astype(dtype)

    def values_and_gradient(choice):
        with implementation(choice):
            y, vjp = jax.vjp(lambda x: max_pool(x, window, strides=strides, padding=padding), x)
        dy = jax.random.randint(jax.random.key(1), y.shape, -3, 4).astype(dtype)
        return y, vjp(dy)[0]

    for ours, theirs in zip(values_and_gradient("own"), values_and_gradient("xla"), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_array_equal(ours.astype(jnp.float32), theirs.astype(jnp.float32))


def test_ties_in_overlapping_windows_are_pytorch_s():
    """torch.nn.functional.max_pool2d(x, 3, 2, 1) of 5×5 equal values, and the gradient of its sum."""
    gradient = jax.grad(lambda x: max_pool(x, 3, strides=2, padding=1).sum())(jnp.zeros((1, 5, 5, 1)))
    found = {(int(i), int(j)): float(gradient[0, i, j, 0]) for i, j in np.argwhere(gradient[0, :, :, 0])}
    assert found == {(i, j): 1.0 for i in (0, 1, 3) for j in (0, 1, 3)}


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = jnp.zeros((1, 2, 2, 1))
    gradient = jax.grad(lambda x: max_pool(x, 2).sum())(x)
    np.testing.assert_array_equal(gradient.ravel(), [1, 0, 0, 0])


def test_gradients_go_through_what_xla_computes_twice():
    """XLA fuses a second copy of a norm over three images into the gradient; its last bits differ from the first's."""
    norm = partial(nn.BatchNorm, use_running_average=False)
    stage = ConvNormAct(256, conv=SquareConv, norm=norm, act=nn.relu)
    x = jax.random.normal(jax.random.key(0), (3, 4, 4, 256))
    variables = stage.init(jax.random.key(1), x)

    def gradient(name):
        def values_and_gradients(variables, x, dy):
            y, vjp = jax.vjp(lambda v, x: max_pool(stage.apply(v, x, mutable=["batch_stats"])[0], 2), variables, x)
            return y, vjp(dy)

        with implementation(name):
            return jax.jit(values_and_gradients)(variables, x, jax.random.normal(jax.random.key(2), (3, 2, 2, 256)))[1][
                1
            ]

    np.testing.assert_allclose(gradient("own"), gradient("xla"), atol=1e-5)


def test_overlapping_windows_are_padded_with_minus_infinity():
    x = -jnp.ones((1, 3, 3, 1))
    np.testing.assert_array_equal(max_pool(x, 3, strides=1, padding=1), x)


def test_nan_goes_through():
    x = jnp.zeros((1, 2, 2, 1)).at[0, 1, 1, 0].set(jnp.nan)
    assert jnp.isnan(max_pool(x, 2)).all()


@pytest.mark.parametrize(("window", "strides", "padding"), [(3, 2, 1), (7, 4, 3), (2, None, 0), (3, 1, 1)])
def test_an_average_counts_no_padding(window, strides, padding):
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)), constant_values=np.nan)
    step = strides or window
    rows, columns = (range(0, size - window + 1, step) for size in padded.shape[1:3])
    wanted = [[np.nanmean(padded[:, i : i + window, j : j + window], axis=(1, 2)) for j in columns] for i in rows]
    found = average_pool(jnp.asarray(x), window, strides=strides, padding=padding)
    np.testing.assert_allclose(found, np.moveaxis(wanted, 2, 0), rtol=1e-5, atol=1e-6)


def test_an_average_of_16_bit_values_is_summed_in_32():
    x = jnp.full((1, 64, 64, 1), 100, jnp.float16)
    np.testing.assert_array_equal(average_pool(x, 64), jnp.full((1, 1, 1, 1), 100, jnp.float16))


def test_nearest_neighbours_are_those_of_pytorch():
    x = jnp.arange(6.0).reshape(1, 3, 2, 1)
    found = upsample_nearest(x, 5, 4)[0, :, :, 0]
    np.testing.assert_array_equal(found[:, 0], [0, 0, 2, 2, 4])
    np.testing.assert_array_equal(found[0], [0, 0, 1, 1])


def test_an_adaptive_average_of_16_bits_is_summed_in_32():
    x = jax.random.normal(jax.random.key(0), (1, 9, 9, 2)).astype(jnp.bfloat16)
    found = adaptive_average_pool(x, 3)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_array_equal(found, adaptive_average_pool(x.astype(jnp.float32), 3).astype(jnp.bfloat16))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 7), (14, 21), (2, 3), (9, 1)])
def test_adaptive_average_windows(height, width):
    x = np.random.default_rng(0).standard_normal((2, height, width, 3), np.float32)
    found = adaptive_average_pool(jnp.asarray(x), 7)
    for i, j in itertools.product(range(7), repeat=2):
        rows = slice(i * height // 7, math.ceil((i + 1) * height / 7))
        columns = slice(j * width // 7, math.ceil((j + 1) * width / 7))
        np.testing.assert_allclose(found[:, i, j], x[:, rows, columns].mean((1, 2)), atol=1e-6)
