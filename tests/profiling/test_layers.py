"""Parameters and multiply-adds are those that a hand finds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from simam_jax.models.registry import create_model
from simam_jax.profiling.layers import Layer, trace_layers
from simam_jax.profiling.network import summarise
from simam_jax.reporting.network_text import describe_network


class Small(nn.Module):
    """A layer of every kind; one of them used twice, one of them with weights of its own beside a module's."""

    @nn.compact
    def __call__(self, images, *, train):
        x = nn.Conv(8, (3, 3), strides=2, padding=1, name="conv")(images)
        x = nn.Conv(16, (3, 1), padding="VALID", feature_group_count=4, use_bias=False, name="grouped")(x)
        x = nn.BatchNorm(use_running_average=not train, name="norm")(x)
        x = Scaled(name="scaled")(x.astype(jnp.bfloat16))
        again = nn.Dense(16, name="again")
        x = again(again(x.mean((-3, -2))))
        return nn.Dense(5, name="head")(x)


class Scaled(nn.Module):
    @nn.compact
    def __call__(self, x):
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        return Same(name="same")(x * scale.astype(x.dtype)[None, None, None, :])


class Same(nn.Module):
    @nn.compact
    def __call__(self, x):
        return x


def test_by_hand():
    float32, bfloat16 = 4, 2
    assert trace_layers(Small(), 12) == [
        Layer("conv", "Conv", (12, 12, 3), (6, 6, 8), 288 * float32, 27 * 8 + 8, 0, 36 * 27 * 8),
        Layer("grouped", "Conv", (6, 6, 8), (4, 6, 16), 384 * float32, 3 * 2 * 16, 0, 24 * 3 * 2 * 16),
        Layer("norm", "BatchNorm", (4, 6, 16), (4, 6, 16), 384 * float32, 32, 32, 0),
        Layer("scaled", "Scaled", (4, 6, 16), (4, 6, 16), 384 * bfloat16, 16, 0, 0),
        Layer("scaled/same", "Same", (4, 6, 16), (4, 6, 16), 384 * bfloat16, 0, 0, 0),
        Layer("again", "Dense", (16,), (16,), 16 * float32, 16 * 17, 0, 256),
        Layer("again", "Dense", (16,), (16,), 16 * float32, 0, 0, 256),
        Layer("head", "Dense", (16,), (5,), 5 * float32, 17 * 5, 0, 80),
    ]


def multiply_adds(program) -> int:
    """Those of every convolution and matrix product in a program that JAX traced."""
    total = 0
    for equation in program.eqns:
        out = equation.outvars[0].aval.shape
        if equation.primitive.name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            features = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
            total += int(np.prod(out) * np.prod(kernel) / features)
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            total += int(np.prod(out) * np.prod([equation.invars[0].aval.shape[axis] for axis in contracted]))
        for inner in equation.params.values():
            total += multiply_adds(inner.jaxpr) if hasattr(inner, "jaxpr") else 0
    return total


@pytest.fixture(scope="module")
def towernet():
    return create_model("towernet", num_classes=16)


def test_towernet_has_the_references_parameters(towernet):
    totals = summarise(towernet, image_size=256)["totals"]
    assert totals["parameters"] == 1_362_176
    assert totals["batch_stats"] == 2 * (64 + 128 + 256 + 256)
    assert totals["flops"] == 2 * totals["multiply_adds"] == 2 * 794_343_424


def test_the_traced_program_has_as_many_multiply_adds(towernet):
    images = jnp.zeros((1, 256, 256, 3))
    variables = jax.eval_shape(lambda: towernet.init(jax.random.key(0), images, train=False))
    program = jax.make_jaxpr(lambda v: towernet.apply(v, images, train=False))(variables)
    assert multiply_adds(program.jaxpr) == summarise(towernet, image_size=256)["totals"]["multiply_adds"]


def test_simam_is_there_and_costs_nothing(towernet):
    rows = [layer for layer in trace_layers(towernet, 256) if layer.type == "SimAM"]
    assert [row.path for row in rows] == ["attention3", "attention4", "attention5", "attention6"]
    assert [row.output_shape[:2] for row in rows] == [(16, 16), (8, 8), (4, 4), (2, 2)]
    assert {(row.parameters, row.batch_stats, row.multiply_adds) for row in rows} == {(0, 0, 0)}


def test_half_the_precision_takes_half_the_memory():
    full, half = (
        summarise(create_model("towernet", num_classes=16, dtype=dtype), image_size=128)["totals"]
        for dtype in ("float32", "bfloat16")
    )
    # The classifier stays float32.
    assert full["activation_bytes"] - 64 == 2 * (half["activation_bytes"] - 64)
    assert full["multiply_adds"] == half["multiply_adds"]


def test_too_small_images_are_the_models_error(towernet):
    with pytest.raises(ValueError, match="at least 128x128 pixels, got 64x64"):
        trace_layers(towernet, 64)


def test_as_a_table():
    lines = describe_network(summarise(Small(), image_size=12)).splitlines()
    assert lines[0].split() == ["layer", "type", "output", "parameters", "multiply-adds"]
    assert lines[1].split() == ["conv", "Conv", "6×6×8", "224", "7,776"]
    assert lines[3].split() == ["norm", "BatchNorm", "4×6×16", "32", "-"]
    assert "multiply-adds     10,672 (convolutions and linear layers alone)" in lines
    assert "FLOPs             21,344 (two a multiply-add)" in lines
