import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import traverse_util
from random_variables import random_variables

from simam_jax import SimAM, create_attention, simam
from simam_jax.layers import attention_names
from simam_jax.layers.attention import split_e_lambda
from simam_jax.layers.simam import every_e_lambda

every_attention = pytest.mark.parametrize("name", attention_names())


def make(name: str, channels: int) -> tuple[nn.Module, dict]:
    """A module with random variables, which do not depend on the map's size."""
    module = create_attention(name)
    variables = random_variables(module, (1, 4, 4, channels), np.random.default_rng(5))
    return module, traverse_util.unflatten_dict(variables, sep="/")


def test_the_names():
    assert attention_names() == sorted(
        ["none", "simam", "se", "cbam", "eca", "gc", "srm", "ge", "ese", "bam", "coord", "triplet"]
    )


@every_attention
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("train", [False, True])
def test_keeps_shape_and_dtype_with_float32_variables(name, dtype, train):
    module = create_attention(name)
    x = jax.ShapeDtypeStruct((2, 6, 5, 4), dtype)
    variables = jax.eval_shape(module.init, jax.random.key(1), x)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} <= {jnp.dtype("float32")}
    y, after = jax.eval_shape(lambda v, x: module.apply(v, x, train=train, mutable=["batch_stats"]), variables, x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert after == {name: leaves for name, leaves in variables.items() if name == "batch_stats"}


@every_attention
def test_leading_axes_are_free_and_evaluation_changes_nothing(name):
    module, variables = make(name, 8)
    x = jax.random.normal(jax.random.key(0), (2, 2, 5, 4, 8))

    @jax.jit
    def run(x):
        y, after = module.apply(variables, x, mutable=["batch_stats"])
        mapped = jax.vmap(lambda x: module.apply(variables, x))(x)
        # In training the batch is all that leads.
        trained, flat = (
            module.apply(variables, x, train=True, mutable=["batch_stats"])[0]
            for x in (x, x.reshape(-1, *x.shape[-3:]))
        )
        return y, mapped, module.apply(variables, x[0, 0]), trained, flat, after

    y, mapped, single, trained, flat, after = run(x)
    np.testing.assert_allclose(y, mapped, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(y[0, 0], single, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(trained.reshape(flat.shape), flat, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(run(x)[0], y)
    jax.tree.map(np.testing.assert_array_equal, after.get("batch_stats", {}), variables.get("batch_stats", {}))


@every_attention
def test_values_and_gradients_are_finite_on_constant_maps_and_single_positions(name):
    module, variables = make(name, 8)

    @jax.jit
    def run(variables, x):
        def loss(variables, x):
            # Training is the harder case: there batch norms divide by the deviation of what is constant.
            y, _ = module.apply(variables, x, train=True, mutable=["batch_stats"])
            return jnp.square(y).sum()

        return jax.value_and_grad(loss, (0, 1))(variables, x)

    constant, single = (2, 3, 3, 8), (2, 1, 1, 8)
    for x in (np.zeros(constant), np.full(constant, 3.0), np.zeros(single), np.arange(16.0).reshape(single)):
        for values in (variables, jax.tree.map(np.zeros_like, variables)):
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run(values, x.astype(np.float32))))


@every_attention
def test_sixteen_bits_are_enough_on_a_large_map(name):
    module, variables = make(name, 8)
    # Sums over positions, let alone of squares, are beyond float16.
    x = jnp.asarray(np.random.default_rng(0).normal(50, 30, (1, 56, 56, 8)), jnp.float32)
    scale = 0.02  # so that gates are not all 0 or 1
    variables = {**variables, "params": jax.tree.map(lambda leaf: scale * leaf, variables.get("params", {}))}
    run = jax.jit(module.apply)
    wanted = np.asarray(run(variables, x))
    for dtype, tolerance in ((jnp.float16, 2e-3), (jnp.bfloat16, 2e-2)):
        y = np.asarray(run(variables, x.astype(dtype)), np.float32)
        assert np.abs(y - wanted).max() <= tolerance * np.abs(wanted).max()


def test_a_new_global_context_is_the_identity():
    x = jax.random.normal(jax.random.key(0), (2, 5, 6, 32))
    y, _ = jax.jit(create_attention("gc").init_with_output)(jax.random.key(1), x)
    np.testing.assert_array_equal(y, x)


def test_simam_has_no_variables_and_takes_its_lambda_from_the_spec():
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 2))
    module = create_attention("simam:e_lambda=0.5")
    assert not jax.tree.leaves(module.init(jax.random.key(0), x))
    np.testing.assert_array_equal(module.apply({}, x), simam(x, 0.5))
    assert create_attention("simam") == SimAM(e_lambda=1e-4)


def test_simams_lambda_may_be_traced_and_differentiated():
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 3))
    slope = jax.jit(jax.grad(lambda e_lambda: SimAM(e_lambda=e_lambda).apply({}, x).sum()))(0.1)
    wanted = jax.grad(lambda e_lambda: simam(x, e_lambda).sum())(0.1)
    np.testing.assert_allclose(slope, wanted, rtol=1e-5)
    assert slope != 0


def test_simams_lambda_may_be_a_parameter():
    class Learned(nn.Module):
        @nn.compact
        def __call__(self, x):
            log = self.param("log_lambda", nn.initializers.constant(-2.0), (), jnp.float32)
            return SimAM(e_lambda=jnp.exp(log))(x)

    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 3))
    module = Learned()
    variables = module.init(jax.random.key(1), x)
    np.testing.assert_allclose(module.apply(variables, x), simam(x, float(np.exp(-2))), rtol=1e-6)
    gradient = jax.jit(jax.grad(lambda variables: module.apply(variables, x).sum()))(variables)
    wanted = jax.grad(lambda log: simam(x, jnp.exp(log)).sum())(-2.0)
    np.testing.assert_allclose(gradient["params"]["log_lambda"], wanted, rtol=1e-5)


@pytest.mark.parametrize("spec", [None, "none", ""])
def test_no_attention_is_the_identity(spec):
    x = jnp.arange(4.0).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(create_attention(spec).apply({}, x), x)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("simm", f"unknown attention 'simm': it is one of {', '.join(attention_names())}"),
        ("simam:lambda=1", "no option 'lambda=1'.*e_lambda"),
        ("simam:e_lambda", "no option 'e_lambda'"),
        ("simam:e_lambda=big", "option e_lambda takes a number, got 'big'"),
        ("none:x=1", "no option 'x=1'.*none"),
        ("srm:reduction=2", "attention 'srm' has no option 'reduction=2': it has none"),
        ("cbam:kernel=7", "attention 'cbam' has no option 'kernel=7'.*one of: reduction, kernel_size"),
        ("se:reduction=2.5", "option reduction takes a whole number, got '2.5'"),
        ("se:reduction=0", "se: reduction must be at least 1, got 0"),
        ("cbam:reduction=-1", "cbam: reduction must be at least 1, got -1"),
        ("cbam:kernel_size=4", "cbam: kernel_size must be a positive odd number, got 4"),
        ("eca:kernel_size=2", "eca: kernel_size must be a positive odd number, got 2"),
        ("eca:kernel_size=-3", "eca: kernel_size must be a positive odd number, got -3"),
        ("gc:reduction=0", "gc: reduction must be at least 1"),
        ("ge:extent=-1", "ge: extent must be at least 0"),
        ("bam:reduction=0", "bam: reduction must be at least 1"),
        ("bam:dilation=0", "bam: dilation must be at least 1"),
        ("coord:reduction=0", "coord: reduction must be at least 1"),
        ("triplet:kernel_size=0", "triplet: kernel_size must be a positive odd number, got 0"),
    ],
)
def test_what_is_wrong_is_named_and_what_is_unknown_lists_what_is_known(spec, message):
    with pytest.raises(ValueError, match=message):
        create_attention(spec)


def test_an_integer_is_a_float_too():
    assert create_attention("simam:e_lambda=1") == SimAM(e_lambda=1.0)


def test_a_lambda_for_every_simam():
    """Also inside a transformation; nothing else is touched."""
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 3))
    module = create_attention("simam:e_lambda=0.5")

    def given(e_lambda):
        with every_e_lambda(e_lambda):
            return module.apply({}, x, train=True)

    np.testing.assert_array_equal(given(None), simam(x, 0.5))
    np.testing.assert_allclose(jax.vmap(given)(jnp.asarray([0.1, 2.0])), [simam(x, 0.1), simam(x, 2.0)], rtol=1e-6)
    np.testing.assert_array_equal(module.apply({}, x), simam(x, 0.5))
    with every_e_lambda(0.1):
        np.testing.assert_array_equal(create_attention("none").apply({}, x), x)


@pytest.mark.parametrize(
    ("spec", "split"),
    [
        ("simam", ("simam", 1e-4)),
        ("simam:e_lambda=0.1", ("simam", 0.1)),
        ("simam:e_lambda=1", ("simam", 1.0)),
        ("se:reduction=8", ("se:reduction=8", None)),
        ("none", ("none", None)),
        (None, (None, None)),
        ("auto", ("auto", None)),
    ],
)
def test_a_spec_without_its_lambda(spec, split):
    assert split_e_lambda(spec) == split
