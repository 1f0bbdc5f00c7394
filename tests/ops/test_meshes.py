"""Operations on arrays whose type says how they are split, and inside `shard_map`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from simam_jax import create_model
from simam_jax.layers.batch_norm import BatchNorm
from simam_jax.layers.convolution import SquareConv
from simam_jax.ops.implementation import implementation
from simam_jax.ops.largest import largest
from simam_jax.ops.meshes import has_explicit_axes
from simam_jax.ops.pooling import max_pool
from simam_jax.ops.simam import simam

SPLIT = PartitionSpec("data")


def of_devices(count, kind=AxisType.Explicit):
    return jax.make_mesh((count,), ("data",), (kind,), devices=jax.devices()[:count])


def normal(*shape):
    return jax.random.normal(jax.random.key(0), shape)


def both(function):
    """Value and gradient, as a program of its own: JAX does not see which implementation is chosen."""
    return jax.jit(lambda x: (*jax.vjp(function, x)[1](jnp.cos(function(x))), function(x)))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", ["auto", "own", "xla"])
@pytest.mark.parametrize(
    "operation", [simam, partial(max_pool, window=2), partial(max_pool, window=3, strides=2), partial(largest, axis=-1)]
)
def test_an_operation_on_an_explicit_mesh(count, name, operation):
    x = normal(4, 8, 8, 16)
    with implementation(name):
        found = both(operation)(jax.device_put(x, NamedSharding(of_devices(count), SPLIT)))
        expected = both(operation)(x)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
        assert ours.sharding.spec[0] == "data"


@pytest.mark.parametrize(("network", "count"), [("towernet", 2), ("cifar_resnet20", 1), ("cifar_resnet20", 2)])
def test_a_network_on_an_explicit_mesh(network, count):
    model = create_model(network, num_classes=3, attention="simam")
    images = normal(4, 128, 128, 3) if network == "towernet" else normal(4, 32, 32, 3)
    variables = jax.jit(partial(model.init, train=False))(jax.random.key(0), images[:1])

    def gradient(variables, images):
        def loss(params):
            logits, _ = model.apply({**variables, "params": params}, images, train=True, mutable=["batch_stats"])
            return jnp.square(logits).mean()

        return jax.value_and_grad(loss)(variables["params"])

    mesh = of_devices(count)
    here, split = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, SPLIT)
    with implementation("own"):
        loss, found = jax.jit(gradient)(jax.device_put(variables, here), jax.device_put(images, split))
    with implementation("xla"):
        expected_loss, expected = jax.jit(gradient)(variables, images)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-4)
    largest = max(float(jnp.abs(each).max()) for each in jax.tree.leaves(expected))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-3 * largest), found, expected)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("module", [SquareConv(32, 3), BatchNorm(use_running_average=False)])
def test_a_gradient_inside_shard_map(count, module):
    x = normal(4, 6, 6, 32)
    variables = module.init(jax.random.key(1), x)

    def gradient(variables, x):
        def loss(params):
            y, _ = module.apply({**variables, "params": params}, x, mutable=["batch_stats"])
            return jnp.square(y + 0.5 * jnp.cos(y)).sum()

        return jax.grad(loss)(variables["params"])

    with implementation("own"):
        mesh = of_devices(count, AxisType.Auto)
        shared = jax.shard_map(gradient, mesh=mesh, in_specs=(PartitionSpec(), SPLIT), out_specs=PartitionSpec())
        found = jax.jit(shared)(variables, x)
    parts = [gradient(variables, part) for part in jnp.split(x, count)]
    expected = jax.tree.map(lambda *parts: sum(parts), *parts)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3), found, expected)


def test_what_is_explicit():
    x = jnp.zeros((2, 2))
    assert not has_explicit_axes(x)
    assert not has_explicit_axes(jax.device_put(x, NamedSharding(of_devices(2, AxisType.Auto), SPLIT)))
    assert has_explicit_axes(jax.device_put(x, NamedSharding(of_devices(2), SPLIT)))


@pytest.mark.parametrize(
    "operation",
    [
        simam,
        partial(max_pool, window=2),
        SquareConv(32, 3).bind({"params": {"kernel": normal(3, 3, 16, 32), "bias": jnp.zeros(32)}}),
    ],
)
def test_forward_mode(operation):
    x, direction = normal(2, 6, 6, 16), jnp.cos(normal(2, 6, 6, 16))

    def along(gradient):
        return jax.jvp(gradient, (x,), (direction,))[1]

    def loss(x):
        return jnp.sin(operation(x)).sum()

    with implementation("own"):  # of the gradient
        over_gradient = along(jax.grad(loss))
        with pytest.raises(TypeError, match="forward-mode"):
            along(loss)
    with implementation("xla"):  # of all
        expected, slope = along(jax.grad(loss)), along(loss)
    np.testing.assert_allclose(over_gradient, expected, rtol=1e-3, atol=1e-3 * float(jnp.abs(expected).max()))
    np.testing.assert_allclose(slope, (jax.grad(loss)(x) * direction).sum(), rtol=1e-4)
