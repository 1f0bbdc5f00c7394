import jax
import jax.numpy as jnp
import pytest

import simam_jax
from simam_jax.models import create_model, names


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("attention", [None, "none", "simam", "simam:e_lambda=0.1"])
def test_every_network_with_every_attention(name, attention):
    model = create_model(name, num_classes=7, attention=attention)
    images = jax.ShapeDtypeStruct((2, 256, 256, 3), jnp.float32)
    logits, variables = jax.eval_shape(lambda x: model.init_with_output(jax.random.key(0), x, train=False), images)
    assert (logits.shape, logits.dtype) == ((2, 7), jnp.float32)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    assert set(variables) == {"params", "batch_stats"}
    assert "head" in variables["params"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "towrnet"}, "unknown network 'towrnet': it is one of .*towernet"),
        ({"num_classes": 0}, "num_classes must be at least 1"),
        ({"attention": "simm"}, "unknown attention"),
        ({"placement": "bn2"}, "no placement 'bn2'"),
        ({"dtype": "float8"}, "unknown dtype"),
        ({"dtype": "int32"}, "unknown dtype"),
        ({"width": 2}, "width"),
    ],
)
def test_what_is_wrong_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        create_model(**{"name": "towernet", "num_classes": 3, **options})


def test_the_face_of_the_package():
    assert simam_jax.create_model is create_model
    assert simam_jax.models.names() == names()
    assert set(simam_jax.__all__) <= set(dir(simam_jax))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(simam_jax, "nothing")  # noqa: B009
