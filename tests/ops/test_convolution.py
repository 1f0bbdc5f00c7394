from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec

from simam_jax import create_model
from simam_jax.ops.convolution import convolution
from simam_jax.ops.implementation import implementation

CHANNELS_LAST = ("NHWC", "HWIO", "NHWC")
# Rounding: of sums in float32, which Winograd's tiles of four multiply by up to ten; of values in bfloat16.
CLOSE = {"float32": 2e-5, "bfloat16": 2e-2, "float16": 3e-3}


def values_and_gradients(convolve, x, kernel, dy, **options):
    @jax.jit
    def both(x, kernel, dy):
        y, vjp = jax.vjp(lambda x, kernel: convolve(x, kernel, dimension_numbers=CHANNELS_LAST, **options), x, kernel)
        return (y, *vjp(dy.astype(y.dtype)))

    return both(x, kernel, dy)


def check(x_shape, kernel_shape, dtype, **options):
    keys = jax.random.split(jax.random.key(0), 3)
    x, kernel = (jax.random.normal(k, s).astype(dtype) for k, s in zip(keys, (x_shape, kernel_shape), strict=False))
    wide = [a.astype(jnp.float32) for a in (x, kernel)]
    y = jax.eval_shape(partial(lax.conv_general_dilated, dimension_numbers=CHANNELS_LAST, **options), x, kernel)
    dy = jax.random.normal(keys[2], y.shape).astype(dtype)
    with implementation("own"):
        ours = values_and_gradients(convolution, x, kernel, dy, **options)
    theirs = values_and_gradients(lax.conv_general_dilated, *wide, dy.astype(jnp.float32), **options)
    for name, our, their in zip(("y", "dx", "dkernel"), ours, theirs, strict=True):
        assert our.dtype == dtype, name
        assert our.shape == their.shape, name
        if their.size:
            error = np.abs(np.asarray(our, np.float32) - their).max() / max(np.abs(their).max(), 1e-6)
            assert error < CLOSE[dtype], (name, error)


@st.composite
def convolutions(draw):
    size = draw(st.tuples(st.integers(1, 11), st.integers(1, 11)))
    window = draw(st.sampled_from([(1, 1), (3, 3), (3, 3), (2, 3), (5, 5), (4, 1)]))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 3)]))
    padding = [draw(st.tuples(st.integers(-1, 3), st.integers(-1, 3))) for _ in range(2)]
    for axis in range(2):
        missing = (window[axis] - 1) * dilation[axis] + 1 - size[axis] - sum(padding[axis])
        if missing > 0:
            padding[axis] = (padding[axis][0], padding[axis][1] + missing)
    groups, inputs, outputs = draw(
        st.sampled_from([(1, 3, 32), (1, 16, 20), (1, 64, 65), (1, 70, 64), (5, 5, 5), (2, 4, 6), (3, 3, 6)])
    )
    batch = draw(st.integers(1, 5))
    return {
        "x_shape": (batch, *size, inputs),
        "kernel_shape": (*window, inputs // groups, outputs),
        "dtype": draw(st.sampled_from(["float32", "float32", "bfloat16", "float16"])),
        "window_strides": strides,
        "padding": tuple(padding),
        "rhs_dilation": dilation,
        "feature_group_count": groups,
    }


@settings(max_examples=12, deadline=None, derandomize=True)
@given(convolutions())
def test_values_and_gradients_are_those_of_lax(case):
    check(**case)


# The kinds of a network's convolutions: stem, 3×3, pointwise, downsampling, depthwise.
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("size", "window", "inputs", "outputs", "stride", "groups"),
    [(17, 7, 3, 32, 2, 1), (12, 3, 72, 64, 1, 1), (9, 1, 8, 16, 1, 1), (9, 1, 8, 16, 2, 1), (9, 3, 64, 64, 2, 1),
     (10, 3, 32, 32, 1, 32), (10, 3, 16, 16, 2, 16), (3, 3, 64, 64, 1, 1),
     (9, 3, 16, 32, 2, 1)],
)  # fmt: skip
def test_a_network_s_convolutions(size, window, inputs, outputs, stride, groups, dtype):
    side = ((window - 1) // 2,) * 2
    check(
        (4, size, size, inputs),
        (window, window, inputs // groups, outputs),
        dtype,
        window_strides=(stride, stride),
        padding=(side, side),
        feature_group_count=groups,
    )


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_padding_by_name(padding):
    check((2, 8, 7, 64), (3, 3, 64, 64), "float32", window_strides=(2, 2), padding=padding)


@pytest.mark.parametrize(
    ("x_shape", "kernel_shape", "numbers"),
    [((1, 2, 6, 6), (3, 2, 3, 3), None), ((1, 6, 6, 8), (3, 3, 8, 64), CHANNELS_LAST)],
)
def test_what_is_not_ours_is_lax_itself(x_shape, kernel_shape, numbers):
    x, kernel = jnp.ones(x_shape), jnp.ones(kernel_shape)
    with implementation("own"):
        jaxpr = str(
            jax.make_jaxpr(lambda x, k: convolution(x, k, (1, 1), "SAME", dimension_numbers=numbers))(x, kernel)
        )
    assert "conv_general_dilated" in jaxpr
    assert "custom_vjp" not in jaxpr


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32"])
def test_whole_numbers_are_lax_s(dtype):
    x = (jnp.arange(2 * 5 * 5 * 3).reshape(2, 5, 5, 3) + 2**24).astype(dtype)
    kernel = jnp.arange(3 * 3 * 3 * 32).reshape(3, 3, 3, 32).astype(dtype)
    with implementation("own"):
        ours = convolution(x, kernel, (1, 1), "SAME", dimension_numbers=CHANNELS_LAST)
    theirs = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=CHANNELS_LAST)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("size", "window"), [(2, 3), (3, 5)])
@pytest.mark.parametrize("groups", [1, 64])
def test_a_window_larger_than_the_image(groups, size, window, dtype):
    x, kernel = jnp.ones((1, size, size, 64), dtype), jnp.ones((window, window, 64 // groups, 64), dtype)

    def total(x, kernel):
        y = convolution(x, kernel, (1, 1), "VALID", dimension_numbers=CHANNELS_LAST, feature_group_count=groups)
        assert y.shape == (1, 0, 0, 64)
        return y.sum()

    with implementation("own"):
        gradients = jax.grad(total, (0, 1))(x, kernel)
    assert not any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("window", "inputs", "outputs", "stride"), [(3, 64, 64, 1), (5, 64, 64, 1), (3, 3, 32, 2), (1, 16, 16, 1)]
)
def test_second_derivatives_are_those_of_lax(window, inputs, outputs, stride, dtype):
    """In both orders, forward over reverse and reverse over reverse; what is moved as bits has none of its own."""
    keys = jax.random.split(jax.random.key(0), 4)
    shapes = (2, 8, 8, inputs), (window, window, inputs, outputs)
    arrays, directions = (
        [jax.random.normal(key, shape).astype(dtype) for key, shape in zip(two, shapes, strict=True)]
        for two in (keys[:2], keys[2:])
    )

    def loss(convolve, *arrays):
        y = convolve(*arrays, (stride, stride), "SAME", dimension_numbers=CHANNELS_LAST)
        return jnp.sin(y.astype(jnp.float32) / window / inputs**0.5).sum()

    def along(convolve, arrays, directions):
        gradient = jax.grad(partial(loss, convolve), (0, 1))

        def slope(*arrays):
            return sum((g.astype(jnp.float32) * d).sum() for g, d in zip(gradient(*arrays), directions, strict=True))

        forward = jax.jvp(gradient, tuple(arrays), tuple(directions))[1]
        return [*forward, *jax.grad(slope, (0, 1))(*arrays)]

    with implementation("own"):
        ours = along(convolution, arrays, directions)
    wide = [[each.astype(jnp.float32) for each in some] for some in (arrays, directions)]
    for our, their in zip(ours, along(lax.conv_general_dilated, *wide), strict=True):
        error = np.abs(np.asarray(our, np.float32) - their).max() / np.abs(their).max()
        assert error < 3 * CLOSE[dtype]


@pytest.mark.parametrize(("name", "own"), [("own", True), ("xla", False), ("auto", False)])
def test_the_choice(name, own):
    """Under the tests' two devices, `auto` is XLA's."""
    x, kernel = jnp.ones((1, 6, 6, 64)), jnp.ones((3, 3, 64, 64))
    with implementation(name):
        convolve = partial(convolution, window_strides=(1, 1), padding="SAME", dimension_numbers=CHANNELS_LAST)
        assert ("custom_vjp" in str(jax.make_jaxpr(convolve)(x, kernel))) is own


def test_an_unknown_implementation_names_those_there_are():
    with pytest.raises(ValueError, match="one of auto, own, xla, got 'fast'"), implementation("fast"):
        pass


def test_under_vmap_and_scan():
    x = jax.random.normal(jax.random.key(0), (3, 2, 6, 6, 64))
    kernels = jax.random.normal(jax.random.key(1), (3, 3, 3, 64, 64))

    def loss(x, kernel, convolve):
        return jnp.sin(convolve(x, kernel, (1, 1), ((1, 1), (1, 1)), dimension_numbers=CHANNELS_LAST)).sum()

    with implementation("own"):
        ours = jax.vmap(jax.grad(partial(loss, convolve=convolution), (0, 1)))(x, kernels)
        _, scanned = lax.scan(
            lambda c, xk: (c, jax.grad(partial(loss, convolve=convolution), (0, 1))(*xk)), 0, (x, kernels)
        )
    theirs = jax.vmap(jax.grad(partial(loss, convolve=lax.conv_general_dilated), (0, 1)))(x, kernels)
    for our, scan, their in zip(ours, scanned, theirs, strict=True):
        np.testing.assert_allclose(our, their, atol=2e-4 * np.abs(their).max())
        np.testing.assert_allclose(scan, their, atol=2e-4 * np.abs(their).max())


def test_a_batch_split_over_devices():
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    x = jax.random.normal(jax.random.key(0), (4, 6, 6, 64))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 64, 64))

    def gradient(x, kernel):
        def loss(kernel):
            return jnp.sin(convolution(x, kernel, (1, 1), "SAME", dimension_numbers=CHANNELS_LAST)).sum()

        return jax.grad(loss)(kernel)

    theirs = jax.jit(gradient)(x, kernel)
    split = jax.device_put(x, NamedSharding(mesh, PartitionSpec("data")))
    with implementation("own"):
        ours = jax.jit(partial(gradient))(split, kernel)  # traced anew
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def lowered(platform):
    """A training step's program for a platform, by way of every kind of convolution of TowerNet."""
    model = create_model("towernet", num_classes=2, attention="none")
    images = jax.ShapeDtypeStruct((2, 128, 128, 3), jnp.float32)
    variables = jax.eval_shape(partial(model.init, train=False), jax.random.key(0), images)

    def step(variables, images):
        return jax.grad(lambda v: model.apply(v, images, train=False).sum())(variables)

    with implementation("own"):
        return jax.export.export(jax.jit(step), platforms=[platform])(variables, images).mlir_module()


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_an_accelerator_gets_xla_s_own(platform):
    program = lowered(platform)
    assert "stablehlo.while" not in program
    assert program.count("stablehlo.convolution") > lowered("cpu").count("stablehlo.convolution")


def test_float64():
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(2, 7, 7, 64))
        kernel = np.random.default_rng(1).normal(size=(3, 3, 64, 64))
        dy = np.random.default_rng(2).normal(size=(2, 7, 7, 64))
        options = {"window_strides": (1, 1), "padding": ((1, 1), (1, 1))}
        arrays = [jnp.asarray(a) for a in (x, kernel, dy)]
        with implementation("own"):
            ours = values_and_gradients(convolution, *arrays, **options)
        theirs = values_and_gradients(lax.conv_general_dilated, *arrays, **options)
    for our, their in zip(ours, theirs, strict=True):
        assert our.dtype == np.float64
        np.testing.assert_allclose(our, their, atol=1e-12 * np.abs(their).max())
