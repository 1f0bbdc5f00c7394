"""SimAM's closed-form gradient against autodiff of the formula, and under every transformation."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from jax.test_util import check_grads

from simam_jax import simam
from simam_jax.ops.implementation import implementation

AXES = (-3, -2)


def plain(x, e_lambda, mask=None):
    """The formula, for JAX to differentiate."""
    mask = jnp.ones(x.shape, bool) if mask is None else jnp.broadcast_to(mask, x.shape)
    count = mask.sum(AXES, keepdims=True)
    mean = jnp.where(mask, x, 0).sum(AXES, keepdims=True) / jnp.maximum(count, 1)
    squares = jnp.where(mask, (x - mean) ** 2, 0)
    variance = squares.sum(AXES, keepdims=True) / jnp.maximum(count - 1, 1)
    return jnp.where(mask, x * jax.nn.sigmoid(squares / (4 * (variance + e_lambda)) + 0.5), 0)


def random(shape, seed=0, dtype=jnp.float32):
    return jax.random.normal(jax.random.key(seed), shape, dtype)


def loss(x, e_lambda, **options):
    return (simam(x, e_lambda, **options) * jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape)).sum()


def both(function):
    return jax.jit(jax.value_and_grad(function, argnums=(0, 1)))


def pulled_back(function):
    """Output and gradients of (x, λ), given the output's gradient."""

    @jax.jit
    def run(x, e_lambda, dy):
        y, vjp = jax.vjp(function, x, e_lambda)
        return y, vjp(dy)

    return run


def assert_same(found, wanted, tolerance=1e-5):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert one.dtype == other.dtype
        assert jnp.abs(one - other).max() <= tolerance * jnp.maximum(jnp.abs(other).max(), 1e-3)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("choice", ["xla", "auto"])
@pytest.mark.parametrize("shape", [(2, 5, 7, 9), (1, 1, 1, 8), (3, 4, 8)])
def test_equals_autodiff_in_float64(shape, choice, masked):
    with jax.enable_x64(True), implementation(choice):
        x, dy = (random(shape, seed, jnp.float64) for seed in (0, 1))
        mask = random((*shape[:-1], 1), 2) > -0.5 if masked else None
        for e_lambda in (jnp.float64(1e-4), jnp.float64(0.1)):
            ours, theirs = (pulled_back(partial(f, mask=mask))(x, e_lambda, dy) for f in (simam, plain))
            assert_same(ours, theirs, 1e-10)


@pytest.mark.parametrize("axes", [[-3, -2], (1, 2), [-1], (3, 1)])
def test_finite_differences_agree(axes):
    with jax.enable_x64(True):
        x = random((2, 3, 4, 5), dtype=jnp.float64)
        check_grads(lambda x, value: simam(x, value, axes), (x, jnp.float64(0.1)), order=2, modes=["rev"])


def test_what_is_kept_is_x_and_two_numbers_a_channel():
    x = random((2, 16, 16, 8))
    kept = jax.tree.leaves(jax.eval_shape(lambda x: jax.vjp(simam, x)[1], x))
    assert sorted(leaf.size for leaf in kept) == [16, 16, x.size]


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_sixteen_bits_are_computed_in_thirty_two(dtype):
    x, dy = ((100 * random((1, 24, 24, 8), seed)).astype(dtype) for seed in (0, 1))
    y, (dx, _) = pulled_back(simam)(x, 1e-4, dy)
    exact, (exact_dx, _) = pulled_back(simam)(x.astype(jnp.float32), 1e-4, dy.astype(jnp.float32))
    for found, wanted in ((y, exact), (dx, exact_dx)):
        assert found.dtype == dtype
        assert_same(found, wanted.astype(dtype), float(jnp.finfo(dtype).eps))


@pytest.mark.parametrize("x", [
    jnp.full((1, 8, 8, 8), 5.0),
    1e4 + random((1, 8, 8, 8)),
    1e15 * random((1, 8, 8, 8)),
    1e-20 * random((1, 8, 8, 8)),
])  # fmt: skip
def test_extreme_values(x):
    with jax.enable_x64(True):
        wide = x.astype(jnp.float64)
        exact, (exact_dx, _) = jax.tree.map(
            np.asarray, pulled_back(plain)(wide, jnp.float64(1e-4), jnp.ones_like(wide))
        )
    y, (dx, slope) = pulled_back(simam)(x, jnp.float32(1e-4), jnp.ones_like(x))
    np.testing.assert_allclose(y, exact, rtol=1e-3)
    np.testing.assert_allclose(dx, exact_dx, atol=2e-3 * np.abs(exact_dx).max())
    assert jnp.isfinite(slope)


def test_vmap_jit_scan_and_remat():
    x, e_lambda = random((3, 2, 4, 5, 8)), jnp.asarray([0.1, 0.2, 0.3])
    step = both(loss)
    wanted = jax.tree.map(lambda *each: jnp.stack(each), *(step(*each) for each in zip(x, e_lambda, strict=True)))
    assert_same(jax.jit(jax.vmap(both(jax.checkpoint(loss))))(x, e_lambda), wanted)
    scanned = jax.jit(lambda *arrays: jax.lax.scan(lambda _, each: (None, step(*each)), None, arrays)[1])
    assert_same(scanned(x, e_lambda), wanted)


def test_a_lambda_that_vmap_shares_has_the_sum_of_the_slopes():
    x, e_lambda = random((3, 2, 4, 5, 8)), jnp.float32(0.1)
    shared = jax.jit(jax.grad(lambda value: jax.vmap(loss, (0, None))(x, value).sum()))(e_lambda)
    step = both(loss)
    assert_same(shared, sum(step(each, e_lambda)[1][1] for each in x))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_cpu_s_own_way_is_the_formula_and_gathers_no_batch(dtype):
    x, dy = (random((4, 16, 33, 64), seed).astype(dtype) for seed in (0, 1))
    with implementation("xla"):
        wanted = pulled_back(simam)(x, jnp.float32(0.1), dy)
    own = pulled_back(simam)
    assert "optimization_barrier" in own.lower(x, jnp.float32(0.1), dy).as_text()
    assert_same(own(x, jnp.float32(0.1), dy), wanted, max(1e-5, float(jnp.finfo(dtype).eps)))
    split = [jax.device_put(array, NamedSharding(mesh(), P("devices"))) for array in (x, dy)]
    step = jax.jit(lambda x, dy: jax.vjp(simam, x)[1](dy))
    assert_same(step(*split), step(x, dy), max(1e-5, float(jnp.finfo(dtype).eps)))
    assert "all-gather" not in step.lower(*split).compile().as_text()


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("mean", [0, 3, 100])
def test_a_mean_far_from_zero_costs_no_more_than_it_must(dtype, mean):
    """In float32 that is what x is rounded by there, for deviations of 1; 16 bits are rounded by more than the sums."""
    x, dy = (random((2, 24, 24, 8), seed) for seed in (0, 1))
    x, dy = (mean + x).astype(dtype), dy.astype(dtype)
    with jax.enable_x64(True):
        wide = [each.astype(jnp.float64) for each in (x, dy)]
        exact = jax.tree.leaves(jax.tree.map(np.asarray, pulled_back(plain)(wide[0], jnp.float64(1e-4), wide[1])))
    rounding = float(jnp.finfo(dtype).eps)
    for found, wanted in zip(jax.tree.leaves(pulled_back(simam)(x, jnp.float32(1e-4), dy)), exact, strict=True):
        error = np.abs(np.asarray(found, np.float64) - wanted).max() / np.abs(wanted).max()
        assert error < (8 + 2 * mean if dtype == jnp.float32 else 4) * rounding


def twice(function):
    slope = jax.grad(lambda x: (function(x, 0.1) ** 2).sum())
    return jax.jit(jax.grad(lambda x: (slope(x) ** 2).sum()))


def test_a_second_derivative():
    x = random((1, 4, 5, 8))
    with jax.enable_x64(True):
        x = x.astype(jnp.float64)
        theirs = twice(plain)(x)
        assert_same(twice(simam)(x), theirs, 1e-10)
        narrow = x.astype(jnp.float32)
        assert_same(twice(simam)(narrow), theirs.astype(jnp.float32), 1e-4)


def mesh():
    return jax.make_mesh((2,), ("devices",), axis_types=(AxisType.Auto,))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("split", ["batch", "space"])
def test_shard_map(split, checked, masked):
    x, e_lambda = random((2, 8, 4, 8)), jnp.float32(0.1)
    mask = random((2, 8, 4, 1), 1) > -0.5 if masked else jnp.ones((2, 8, 4, 1), bool)
    spec = P("devices") if split == "batch" else P(None, "devices")
    axis_name = "devices" if split == "space" else None

    def share(x, mask, e_lambda):
        return simam(x, e_lambda, mask=mask if masked else None, axis_name=axis_name)

    over = jax.shard_map(share, mesh=mesh(), in_specs=(spec, spec, P()), out_specs=spec, check_vma=checked)
    weights = random(x.shape, 2)
    found = jax.jit(both(lambda x, value: (over(x, mask, value) * weights).sum()))(x, e_lambda)
    wanted = both(lambda x, value: (simam(x, value, mask=mask) * weights).sum())(x, e_lambda)
    assert_same(found, wanted)


def test_a_gradient_taken_inside_shard_map():
    x, e_lambda = random((2, 8, 4, 8)), jnp.float32(0.1)

    def inside(x, e_lambda):
        return jax.grad(lambda x, value: simam(x, value, axis_name="devices").sum(), (0, 1))(x, e_lambda)

    specs = (P(None, "devices"), P())
    found = jax.jit(jax.shard_map(inside, mesh=mesh(), in_specs=specs, out_specs=specs))(x, e_lambda)
    assert_same(found, jax.grad(lambda x, value: simam(x, value).sum(), (0, 1))(x, e_lambda))


def test_an_axis_of_vmap_may_hold_positions():
    x, e_lambda = random((2, 8, 4, 8)), jnp.float32(0.1)

    def total(x, value):
        return jax.vmap(partial(simam, axis_name="rows"), (1, None), 1, axis_name="rows")(
            x.reshape(2, 2, 4, 4, 8), value
        ).sum()

    assert_same(both(total)(x, e_lambda), both(lambda x, value: simam(x, value).sum())(x, e_lambda))


@pytest.mark.parametrize(
    "spec", [P("devices"), P(None, "devices"), P(None, None, "devices"), P(None, None, None, "devices")]
)
def test_arrays_split_over_devices(spec):
    x, e_lambda = random((2, 8, 4, 8)), jnp.float32(0.1)
    step = jax.jit(both(loss))
    split = jax.device_put(x, NamedSharding(mesh(), spec))
    assert_same(step(split, e_lambda), both(loss)(x, e_lambda))
    compiled = jax.jit(jax.grad(lambda x, dy: (simam(x) * dy).sum())).lower(split, split).compile().as_text()
    assert "all-gather" not in compiled


@pytest.mark.parametrize("e_lambda", [1, np.float64(1), np.int32(1), np.asarray(1.0), jnp.int32(1)])
def test_lambda_may_be_any_number(e_lambda):
    x = random((1, 4, 4, 8))
    np.testing.assert_array_equal(simam(x, e_lambda), simam(x, 1.0))


@pytest.mark.parametrize("e_lambda", ["0.1", None, 1j, [0.1], np.asarray(1j), np.asarray([0.1]), np.asarray("a")])
def test_lambda_that_is_no_number_is_refused(e_lambda):
    unchecked = inspect.unwrap(simam)  # the tests' own check of annotations comes first
    with pytest.raises(ValueError, match="e_lambda must be a positive finite number"):
        unchecked(jnp.ones((1, 2, 2, 1)), e_lambda)


@pytest.mark.parametrize("axes", [(0, 0), (1, -3), (4,), (-5, 1), []])
def test_axes_that_x_has_not_are_refused(axes):
    with pytest.raises(ValueError, match="x has 4 axes"):
        simam(jnp.ones((1, 2, 2, 1)), axes=axes)


def test_numpy_arrays_are_taken():
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 8))
    y = simam(x, mask=np.ones((1, 4, 4, 1), bool))
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, simam(jnp.asarray(x)), rtol=1e-6)
