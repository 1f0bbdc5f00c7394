from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import NamedSharding, PartitionSpec
from jax.test_util import check_grads

from simam_jax.layers.batch_norm import BatchNorm
from simam_jax.ops.batch_norm import batch_norm
from simam_jax.ops.implementation import implementation

# The last has many values in each sum.
SHAPES = [(6, 5), (2, 3, 4, 5), (2, 3, 5, 4, 3), (3, 96, 96, 48)]
OPTIONS = {"use_running_average": False, "momentum": 0.8, "epsilon": 1e-3}


def _inputs(shape, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(0), 4)
    x = (2 + 3 * jax.random.normal(keys[0], shape)).astype(dtype)
    dy = jax.random.normal(keys[1], shape).astype(dtype)
    scale, bias = 1 + jax.random.normal(keys[2], shape[-1:]), jax.random.normal(keys[3], shape[-1:])
    return x, dy, scale, bias


def _outputs_and_gradients(module, x, dy, scale, bias):
    statistics = {"mean": jnp.full_like(bias, 0.5), "var": jnp.full_like(bias, 2.0)}

    def of(scale, bias, x):
        variables = {"params": {"scale": scale, "bias": bias}, "batch_stats": statistics}
        y, updated = module.apply(variables, x, mutable=["batch_stats"])
        return y, updated["batch_stats"]

    y, vjp, updated = jax.vjp(of, scale, bias, x, has_aux=True)
    return {"y": y, "gradients": vjp(dy), "running": updated}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["own", "auto", "xla"])
def test_values_statistics_and_gradients_are_those_of_flax(shape, name):
    inputs = _inputs(shape)
    with implementation(name):
        ours = jax.jit(partial(_outputs_and_gradients, BatchNorm(**OPTIONS)))(*inputs)
    theirs = _outputs_and_gradients(nn.BatchNorm(**OPTIONS), *inputs)
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=2e-5 * float(jnp.abs(other).max()))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_statistics_of_16_bits_are_float32(shape, dtype):
    x, dy, scale, bias = _inputs(shape, dtype)
    with implementation("own"):
        ours = jax.jit(partial(_outputs_and_gradients, BatchNorm(**OPTIONS, dtype=dtype)))(x, dy, scale, bias)
    exact = _outputs_and_gradients(BatchNorm(**OPTIONS), x.astype(jnp.float32), dy.astype(jnp.float32), scale, bias)
    assert ours["y"].dtype == ours["gradients"][2].dtype == dtype
    rounding = float(jnp.finfo(dtype).eps)
    for path, mine in jax.tree.leaves_with_path(ours):
        other = dict(jax.tree.leaves_with_path(exact))[path]
        largest = float(jnp.abs(other).max())
        tolerance = rounding if mine.dtype == dtype else 2e-5
        np.testing.assert_allclose(mine.astype(jnp.float32), other, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize(("platform", "barriers"), [("cpu", 4), ("cuda", 0), ("tpu", 0)])
def test_only_a_cpu_adds_up_in_passes_of_their_own(platform, barriers):
    def loss(x, scale, bias):
        return batch_norm(x, scale, bias, epsilon=1e-3).y.sum()

    x, _, *channels = _inputs((2, 3, 4, 5), jnp.bfloat16)
    lowered = jax.jit(jax.grad(loss)).trace(x, *channels).lower(lowering_platforms=(platform,))
    assert lowered.as_text().count("optimization_barrier") == barriers


def test_a_mean_of_many_deviations():
    """Squares of values and of the mean lose a digit for each factor of three; 30 deviations leave four."""
    x, dy, *channels = _inputs((4, 16, 16, 8))
    x = 30 + (x - 2) / 3

    def gradient(x):
        numbers = [each.astype(x.dtype) for each in (dy, *channels)]
        return jax.vjp(lambda x: batch_norm(x, *numbers[1:], epsilon=1e-5).y, x)[1](numbers[0])[0]

    ours = gradient(x)
    with jax.enable_x64(True):
        exact = gradient(jnp.asarray(np.asarray(x), jnp.float64))
    np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-3 * float(np.abs(exact).max()))


def test_all_outputs_can_be_differentiated_twice():
    x, _, scale, bias = _inputs((2, 3, 3, 2))
    with jax.enable_x64(True):
        exact = [jnp.asarray(np.asarray(each), jnp.float64) for each in (x, scale, bias)]
        check_grads(
            lambda *arrays: tuple(batch_norm(*map(jnp.asarray, arrays), epsilon=1e-3)), exact, order=2, modes=["rev"]
        )


def test_it_maps_over_seeds():
    x, _, scale, bias = _inputs((3, 2, 4, 4, 5))
    scale, bias = jnp.stack([scale, 2 * scale, 3 * scale]), jnp.stack([bias] * 3)
    mapped = jax.vmap(lambda *a: tuple(batch_norm(*a, epsilon=1e-3)))(x, scale, bias)
    for seed in range(3):
        alone = batch_norm(x[seed], scale[seed], bias[seed], epsilon=1e-3)
        for mine, other in zip(mapped, alone, strict=True):
            np.testing.assert_allclose(mine[seed], other, atol=1e-5)


def test_a_batch_that_is_split_over_devices_is_one_batch():
    inputs = _inputs((4, 6, 6, 8))
    mesh = jax.make_mesh((2,), ("data",))
    split = NamedSharding(mesh, PartitionSpec("data"))
    of = partial(_outputs_and_gradients, BatchNorm(**OPTIONS))
    together = jax.jit(of)(*(jax.device_put(each, split) for each in inputs[:2]), *inputs[2:])
    for mine, other in zip(jax.tree.leaves(together), jax.tree.leaves(of(*inputs)), strict=True):
        np.testing.assert_allclose(mine, other, atol=2e-5)


def test_evaluation_takes_the_running_statistics():
    x, _, scale, bias = _inputs((2, 3, 3, 4))
    statistics = {"mean": jnp.arange(4.0), "var": 1 + jnp.arange(4.0)}
    variables = {"params": {"scale": scale, "bias": bias}, "batch_stats": statistics}
    options = {**OPTIONS, "use_running_average": True}
    ours, theirs = (module(**options).apply(variables, x) for module in (BatchNorm, nn.BatchNorm))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_initialising_leaves_the_running_statistics_alone():
    variables = BatchNorm(use_running_average=False).init(jax.random.key(0), 5 + jnp.ones((2, 3)))
    np.testing.assert_array_equal(variables["batch_stats"]["mean"], jnp.zeros(3))
    np.testing.assert_array_equal(variables["batch_stats"]["var"], jnp.ones(3))
    np.testing.assert_array_equal(variables["params"]["scale"], jnp.ones(3))
