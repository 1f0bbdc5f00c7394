from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from simam_jax import simam
from simam_jax.ops.implementation import implementation
from simam_jax.ops.simam import check_lambda


def reference(x: np.ndarray, e_lambda: float) -> np.ndarray:
    """The authors' formula in float64, M - 1 in the denominator."""
    x = x.astype(np.float64)
    positions = x.shape[-3] * x.shape[-2]
    squares = (x - x.mean((-3, -2), keepdims=True)) ** 2
    variance = squares.sum((-3, -2), keepdims=True) / (positions - 1)
    energy = 4 * (variance + e_lambda) / (squares + 2 * variance + 2 * e_lambda)
    return x / (1 + np.exp(-1 / energy))


images = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=4, max_dims=4, min_side=2, max_side=6),
    elements=st.floats(-100, 100, width=32, allow_subnormal=False),
)


@settings(max_examples=15, deadline=None)
@given(images, st.sampled_from([1e-4, 0.1, 3.0]))
def test_equals_the_energy_formula(x, e_lambda):
    np.testing.assert_allclose(simam(jnp.asarray(x), e_lambda), reference(x, e_lambda), rtol=2e-5, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(images)
def test_gate_lies_between_sigmoid_of_a_half_and_one(x):
    y = np.asarray(simam(jnp.asarray(x)))
    lower = 1 / (1 + np.exp(-0.5))
    assert (np.abs(y) <= np.abs(x) * (1 + 1e-6)).all()
    assert (np.abs(y) >= np.abs(x) * lower * (1 - 1e-6) - 1e-37).all()  # XLA rounds the smallest numbers to 0


def test_the_neuron_that_stands_out_has_the_largest_gate():
    x = jnp.ones((1, 5, 5, 1)).at[0, 2, 3, 0].set(4.0)
    gate = simam(x) / x
    assert np.unravel_index(np.argmax(gate), gate.shape) == (0, 2, 3, 0)


@pytest.mark.parametrize("case", range(4))
def test_golden_output_and_gradient(golden, case):
    with np.load(golden / "towernet_paddle.npz") as arrays:
        x, y, dy, dx = (
            jnp.asarray(np.transpose(arrays[f"simam{case}/{name}"], (0, 2, 3, 1))) for name in ("x", "y", "dy", "dx")
        )
        e_lambda = float(arrays[f"simam{case}/lambda"])
    ours, vjp = jax.vjp(partial(simam, e_lambda=e_lambda), x)
    for found, wanted in ((ours, y), (vjp(dy)[0], dx)):
        assert jnp.abs(found - wanted).max() <= 1e-5 * jnp.abs(wanted).max()


@pytest.mark.parametrize("choice", ["auto", "own"])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("shape", [(2, 1, 1, 3), (2, 4, 4, 3)])
def test_constant_maps_and_single_positions_take_the_limit(shape, dtype, choice):
    x = jnp.full(shape, 3.0, dtype)
    with implementation(choice):
        y, vjp = jax.vjp(simam, x)
        slope = vjp(jnp.ones(shape, dtype))[0]
    rounding = max(1e-6, float(jnp.finfo(dtype).eps))
    np.testing.assert_allclose(y.astype(jnp.float32), 3 * jax.nn.sigmoid(0.5), rtol=rounding)
    np.testing.assert_allclose(slope.astype(jnp.float32), jax.nn.sigmoid(0.5), rtol=rounding)


@pytest.mark.parametrize("choice", ["auto", "own"])
@pytest.mark.parametrize(("dtype", "mean"), [(jnp.bfloat16, 1e15), (jnp.bfloat16, 100.0), (jnp.float16, 100.0)])
def test_one_neuron_that_stands_out_by_the_last_bit_of_its_type(dtype, mean, choice):
    x = jnp.full((1, 112, 112, 8), mean, dtype)
    x = x.at[0, 5, 5].mul(1 + float(jnp.finfo(dtype).eps))
    with implementation(choice):
        gate = simam(x)[0, 5, 5].astype(jnp.float32) / x[0, 5, 5].astype(jnp.float32)
    np.testing.assert_allclose(gate, 1, rtol=2 * float(jnp.finfo(dtype).eps))


@pytest.mark.parametrize("choice", ["auto", "own"])
def test_float16_statistics_do_not_overflow(choice):
    x = 30 * jax.random.normal(jax.random.key(0), (1, 112, 112, 2))
    with implementation(choice):
        low = simam(x.astype(jnp.float16))
    assert low.dtype == jnp.float16
    np.testing.assert_allclose(low.astype(jnp.float32), simam(x), rtol=5e-3, atol=0.05)


@pytest.mark.parametrize("e_lambda", [0.0, -1.0, float("nan"), float("inf"), jnp.float32(0)])
def test_lambda_that_is_not_positive_and_finite_is_refused(e_lambda):
    with pytest.raises(ValueError, match="e_lambda must be a positive finite number"):
        simam(jnp.ones((1, 2, 2, 1)), e_lambda)


@pytest.mark.parametrize("e_lambda", [1e-38, 1e-50, 1e39])
def test_lambda_that_float32_does_not_hold_is_refused(e_lambda):
    with pytest.raises(ValueError, match="e_lambda must lie between 1e-38 and 3e\\+38, which float32 holds"):
        simam(jnp.ones((1, 2, 2, 1)), e_lambda)


@pytest.mark.parametrize("e_lambda", [jnp.ones(16), jnp.ones((1, 1)), jnp.complex64(1)])
def test_a_traced_lambda_that_is_no_real_scalar_is_refused(e_lambda):
    with pytest.raises(ValueError, match="e_lambda must be a positive finite number"):
        jax.jit(check_lambda)(e_lambda)


def test_traced_lambda_has_the_gradient_of_finite_differences():
    x = jax.random.normal(jax.random.key(1), (2, 4, 4, 3))
    slope = jax.jit(jax.grad(lambda value: simam(x, value).sum()))(0.1)
    step = 1e-2
    difference = (simam(x, 0.1 + step).sum() - simam(x, 0.1 - step).sum()) / (2 * step)
    np.testing.assert_allclose(slope, difference, rtol=2e-2)


def test_masked_positions_enter_nothing_and_give_zero():
    x = jax.random.normal(jax.random.key(2), (2, 4, 6, 3))
    mask = jnp.zeros((1, 4, 6, 1), bool).at[:, :, :4].set(True)
    spoiled = jnp.where(mask, x, jnp.nan)
    y, vjp = jax.vjp(lambda x: simam(x, mask=mask), spoiled)
    np.testing.assert_allclose(y[:, :, :4], simam(x[:, :, :4]), rtol=1e-5, atol=1e-6)
    assert (y[:, :, 4:] == 0).all()
    assert jnp.isfinite(vjp(jnp.ones_like(x))[0]).all()


@pytest.mark.parametrize("spoiled", [jnp.nan, jnp.inf])
def test_what_is_masked_is_in_no_gradient(spoiled):
    x = jax.random.normal(jax.random.key(2), (2, 4, 6, 3))
    mask = jnp.zeros((1, 4, 6, 1), bool).at[:, :, :4].set(True)

    @partial(jax.jit, static_argnames="axis_name")
    def gradients(x, axis_name):
        gradient = jax.grad(lambda x: jnp.sin(simam(x, mask=mask, axis_name=axis_name)).sum())
        return gradient(x), jax.grad(lambda x: jnp.sin(gradient(x)).sum())(x)

    def on_an_axis(x):
        found = jax.vmap(partial(gradients, axis_name="one"), axis_name="one")(x[None])
        return jax.tree.map(lambda each: each[0], found)

    for function in (partial(gradients, axis_name=None), on_an_axis):
        expected = function(jnp.where(mask, x, 0))
        for ours, theirs in zip(function(jnp.where(mask, x, spoiled)), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
            assert (ours[:, :, 4:] == 0).all()


def test_a_mask_of_nothing_gives_zeros():
    assert (simam(jnp.ones((1, 2, 2, 1)), mask=jnp.zeros((1, 2, 2, 1), bool)) == 0).all()


def test_a_mask_that_does_not_broadcast_is_refused():
    with pytest.raises(ValueError, match="does not broadcast"):
        simam(jnp.ones((1, 2, 2, 1)), mask=jnp.ones((3, 1, 2, 2, 1), bool))


def test_statistics_run_over_a_mesh_axis():
    x = jax.random.normal(jax.random.key(3), (1, 8, 4, 2))
    mesh = jax.make_mesh((2,), ("space",), axis_types=(AxisType.Auto,))
    over_devices = jax.shard_map(
        lambda x: simam(x, axis_name="space"), mesh=mesh, in_specs=P(None, "space"), out_specs=P(None, "space")
    )
    np.testing.assert_allclose(jax.jit(over_devices)(x), simam(x), rtol=1e-5, atol=1e-6)


def test_other_axes():
    x = jax.random.normal(jax.random.key(4), (2, 3, 5, 4))
    channels_first = simam(jnp.moveaxis(x, -1, 1), axes=(2, 3))
    np.testing.assert_allclose(jnp.moveaxis(channels_first, 1, -1), simam(x), rtol=1e-6)
