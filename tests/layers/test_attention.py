import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simam_jax import SimAM, create_attention, simam
from simam_jax.layers import attention_names


@pytest.mark.parametrize("name", attention_names())
def test_every_attention_keeps_shape_and_dtype(name):
    x = jax.random.normal(jax.random.key(0), (2, 6, 5, 4), jnp.bfloat16)
    module = create_attention(name)
    variables = module.init(jax.random.key(1), x)
    y = module.apply(variables, x, train=False)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)


def test_simam_has_no_variables_and_takes_its_lambda_from_the_spec():
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 2))
    module = create_attention("simam:e_lambda=0.5")
    assert not jax.tree.leaves(module.init(jax.random.key(0), x))
    np.testing.assert_array_equal(module.apply({}, x), simam(x, 0.5))
    assert create_attention("simam") == SimAM(e_lambda=1e-4)


@pytest.mark.parametrize("spec", [None, "none", ""])
def test_no_attention_is_the_identity(spec):
    x = jnp.arange(4.0).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(create_attention(spec).apply({}, x), x)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("simm", "unknown attention 'simm': it is one of none, simam"),
        ("simam:lambda=1", "no option 'lambda=1'.*e_lambda"),
        ("simam:e_lambda", "no option 'e_lambda'"),
        ("simam:e_lambda=big", "option e_lambda is a float, got 'big'"),
        ("none:x=1", "no option 'x=1'.*none"),
    ],
)
def test_what_is_unknown_lists_what_is_known(spec, message):
    with pytest.raises(ValueError, match=message):
        create_attention(spec)


def test_an_integer_is_a_float_too():
    assert create_attention("simam:e_lambda=1") == SimAM(e_lambda=1.0)
