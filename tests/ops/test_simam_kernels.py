"""SimAM's kernels, interpreted on the CPU, against the formula; and lowered for the platforms they are for."""

import inspect
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np
import pytest
from jax.export import DisabledSafetyCheck, export
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from simam_jax import simam
from simam_jax.ops import simam_fused as fused
from simam_jax.ops import simam_kernels as kernels
from simam_jax.ops.implementation import implementation
from simam_jax.ops.simam_affine_relu import simam_affine_relu
from simam_jax.ops.simam_kernels import Way
from simam_jax.ops.simam_tiles import Tile, part_of_map, whole_map

PLATFORMS = ("cuda", "tpu")
SMALL = [(2, 1, 1, 8), (1, 7, 7, 2048), (2, 5, 7, 3), (2, 13, 11, 130), (1, 28, 28, 40)]
LARGE = (1, 112, 112, 64)


def random(shape, seed=0, dtype=jnp.float32):
    return (2 * jax.random.normal(jax.random.key(seed), shape) + 1).astype(dtype)


@jax.jit
def wanted(x, dy, e_lambda, scale, bias):
    """y, dx, λ's slope and the affine form by the closed form in float32, which kernels do not run with a mask."""
    x, everywhere = x.astype(jnp.float32), jnp.ones(x.shape, bool)
    y, vjp = jax.vjp(lambda x, e_lambda: simam(x, e_lambda, mask=everywhere), x, e_lambda)
    with implementation("xla"):
        return y, *vjp(dy.astype(jnp.float32)), simam_affine_relu(x, scale, bias, e_lambda)


@partial(jax.jit, static_argnames=("platform", "tile"))
def found(x, dy, e_lambda, scale, bias, *, platform, tile=None):
    """The same by kernels."""
    batch, height, width, channels = x.shape
    way = Way(platform, interpret=True, tile=tile)
    images, slopes = (array.reshape(batch, height * width, channels) for array in (x, dy))
    lambdas = e_lambda.reshape(1, 1)
    y, mean, spread = kernels.forward(images, lambdas, way)
    dx, slope = kernels.backward(images, slopes, mean, spread, way)
    after = kernels.forward_affine_relu(images, lambdas, scale[None], bias[None], way)
    return y.reshape(x.shape), dx.reshape(x.shape), slope.sum(), after.reshape(x.shape)


def compare(shape, dtype, platform, tile=None, x=None):
    x, dy = random(shape, 0, dtype) if x is None else x, random(shape, 1, dtype)
    e_lambda, scale, bias = jnp.float32(0.01), random(shape[-1:], 2), random(shape[-1:], 3)
    ours = found(x, dy, e_lambda, scale, bias, platform=platform, tile=tile)
    # float32 is added up in another order; in 16 bits only the results are rounded.
    tolerance = max(2e-6, float(jnp.finfo(dtype).eps))
    for name, one, other in zip(("y", "dx", "slope", "after"), ours, wanted(x, dy, e_lambda, scale, bias), strict=True):
        assert one.dtype == (jnp.float32 if name == "slope" else dtype)
        bound = (1e-5 if name == "slope" else tolerance) * jnp.maximum(jnp.abs(other).max(), 1e-3)
        assert jnp.abs(one.astype(jnp.float32) - other).max() <= bound, name


def test_what_vmap_would_make_too_large_goes_one_by_one(monkeypatch):
    x, e_lambda = random((4, 2, 20, 8)), jnp.full((1, 1), 0.1)

    def every():
        return jax.vmap(fused.forward_on.__wrapped__("cuda", True), (0, None))

    assert "f32[8,20,8]" in str(jax.make_jaxpr(every())(x, e_lambda))
    together = every()(x, e_lambda)
    monkeypatch.setattr(fused, "_LARGEST", x.size - 1)
    assert "f32[8,20,8]" not in str(jax.make_jaxpr(every())(x, e_lambda))
    for ours, theirs in zip(every()(x, e_lambda), together, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_every_shape(shape, platform):
    compare(shape, jnp.float32, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_large_map_takes_two_passes(dtype, platform):
    assert whole_map(platform, 112 * 112, 64, np.dtype(dtype), maps=1) is None
    compare(LARGE, dtype, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_sixteen_bits(dtype, platform):
    compare((2, 9, 14, 24), dtype, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("shape", [(2, 5, 7, 10), (1, 4, 4, 16)], ids=str)
def test_two_passes_over_tiles_that_fit_ill(shape, platform):
    compare(shape, jnp.float32, platform, Tile(8, 8 if platform == "cuda" else shape[-1]))


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("tile", [None, Tile(32, 8)], ids=["one pass", "two passes"])
def test_extreme_values(platform, tile):
    shape = (1, 12, 9, 8)
    # The gate is of (x - μ)², and μ is known to one part in 2²⁴ of 1e4.
    for x, tolerance in ((jnp.full(shape, 7.0), 1e-6), (1e4 + random(shape), 1e-3), (1e15 * random(shape), 1e-5)):
        given = (x, jnp.ones(shape), jnp.float32(1e-4), jnp.ones(8), jnp.ones(8))
        y, dx, slope, _ = found(*given, platform=platform, tile=tile)
        exact, exact_dx, _, _ = wanted(*given)
        np.testing.assert_allclose(y, exact, rtol=tolerance)
        np.testing.assert_allclose(dx, exact_dx, atol=5 * tolerance * float(jnp.abs(exact_dx).max()))
        assert jnp.isfinite(slope)
    # Σ(x - μ)² of these is beyond float16.
    compare(shape, jnp.float16, platform, tile, x=(3000 * random(shape)).astype(jnp.float16))


def test_tiles_are_powers_of_two_on_a_gpu_and_lanes_on_a_tpu():
    for positions in (1, 4, 49, 100, 196, 784, 3136, 12544, 50176):
        for channels in (3, 8, 64, 130, 2048):
            for dtype in (np.dtype(np.float32), jnp.dtype(jnp.bfloat16)):
                for maps in (1, 2):
                    here = (positions, channels, dtype)
                    for choose in (whole_map, part_of_map):
                        gpu, tpu = (choose(platform, *here, maps=maps) for platform in PLATFORMS)
                        if gpu is not None:
                            assert all(size & (size - 1) == 0 for size in gpu)
                            assert gpu.positions * gpu.channels * maps <= 2**15
                        if tpu is not None:
                            assert tpu.channels == channels or tpu.channels % 128 == 0
                            assert tpu.positions == positions or tpu.positions % 16 == 0


@pytest.mark.parametrize("platform", PLATFORMS)
def test_vmap_adds_images(platform):
    x, dy, scale = random((2, 3, 20, 8)), random((2, 3, 20, 8), 1), random((2, 1, 8), 2)
    lambdas, shared = jnp.asarray([0.1, 0.2]).reshape(2, 1, 1), jnp.full((1, 1), 0.1)
    forward, backward, affine = (
        on(platform, True) for on in (fused.forward_on, fused.backward_on, fused.forward_affine_relu_on)
    )

    @jax.jit
    def at_once(x, dy):
        y, mean, spread = jax.vmap(forward)(x, lambdas)
        back = jax.vmap(backward, (None, 0, None, None))(x[0], dy, mean[0], spread[0])
        return y, mean, spread, *back, jax.vmap(affine, (0, None, 0, None))(x, shared, scale, scale[0])

    @jax.jit
    def one(x, dy, e_lambda, scale, first):
        y, *channels = forward(x, e_lambda)
        back = backward(first, dy, *forward(first, lambdas[0])[1:])
        return y, *channels, *back, affine(x, shared, scale, bias)

    bias, together = scale[0], at_once(x, dy)
    for place in range(2):
        for ours, other in zip(together, one(x[place], dy[place], lambdas[place], scale[place], x[0]), strict=True):
            np.testing.assert_allclose(ours[place], other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("spec", [P("data"), P(None, None, "data"), P(None, "data")], ids=str)
def test_each_device_runs_its_own_images_and_channels(spec, platform):
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
    x, dy, e_lambda = random((4, 20, 16)), random((4, 20, 16), 1), jnp.full((1, 1), 0.1)
    forward, backward = (on(platform, True) for on in (fused.forward_on, fused.backward_on))

    @jax.jit
    def step(x, dy):
        y, *channels = forward(x, e_lambda)
        return y, *backward(x, dy, *channels)

    given = [jax.device_put(array, NamedSharding(mesh, spec)) for array in (x, dy)]
    for ours, other in zip(step(*given), step(x, dy), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-5, atol=1e-6)
    if spec != P(None, "data"):
        assert not any(word in step.lower(*given).compile().as_text() for word in ("all-gather", "all-to-all"))
        assert step(*given)[0].sharding.spec == spec


CALLS = {"cuda": "__gpu$xla.gpu.triton", "tpu": "tpu_custom_call"}
# A newer jaxlib compiles Triton's kernels while it lowers, through a GPU's plug-in.
LOWERS_WITHOUT_A_GPU = jaxlib.version.__version_info__ <= (0, 10, 2)


def lowered(function, platform, *arrays):
    if platform == "cuda" and not LOWERS_WITHOUT_A_GPU:
        pytest.skip("this jaxlib lowers for GPUs where there is one")
    # Pallas' call for GPUs is not among those whose meaning is promised to stay.
    unchecked = [DisabledSafetyCheck.custom_call(CALLS["cuda"])]
    # A new function: one traced before keeps the implementation that it had.
    text = export(jax.jit(partial(function)), platforms=[platform], disabled_checks=unchecked)(*arrays).mlir_module()
    return sum(text.count(f"@{call}") for call in CALLS.values())


def loss(x, e_lambda):
    return simam(x, e_lambda).sum()


@pytest.mark.parametrize("platform", [*PLATFORMS, "cpu"])
def test_lowering_for_a_platform_chooses_its_kernels(platform):
    x, kernel = random((2, 6, 5, 16)), int(platform != "cpu")
    step = jax.value_and_grad(loss, (0, 1))
    with implementation("own" if platform == "tpu" else "auto"):
        assert lowered(simam, platform, x) == kernel
        assert lowered(step, platform, x, jnp.float32(0.1)) == 2 * kernel
        assert lowered(jax.vmap(step), platform, x[:, None], jnp.ones(2)) == 2 * kernel
        assert lowered(lambda x: simam_affine_relu(x, jnp.ones(16), jnp.ones(16)), platform, x) == kernel
        assert lowered(jax.grad(loss), platform, random(LARGE, dtype=jnp.bfloat16), 0.1) == 4 * kernel
        assert lowered(simam, platform, x.astype(jnp.float16)) == int(platform == "cuda")
    with implementation("xla"):
        assert lowered(step, platform, x, jnp.float32(0.1)) == 0


def test_what_kernels_do_not_suit_is_left_to_xla():
    x = random((2, 6, 5, 16))
    mask = jnp.ones(x.shape, bool)
    assert lowered(simam, "tpu", x) == 0
    for function in (lambda x: simam(x, mask=mask), lambda x: simam(x, axes=(-1,)), lambda x: simam(x[:, :1, :1])):
        assert lowered(function, "cuda", x) == 0
    with implementation("own"):
        assert lowered(lambda x: simam(x[:, :1, :1]), "cuda", x) == 1
        assert lowered(lambda x: simam(x, mask=mask), "cuda", x) == 0


def test_without_triton_the_formula_runs(monkeypatch):
    monkeypatch.setattr(fused, "has_triton", lambda: False)
    with implementation("own"):
        assert lowered(simam, "cuda", random((2, 6, 5, 16))) == 0


@pytest.mark.parametrize(("capabilities", "old"), [(["9.0", "7.5"], True), (["8.0"], False), (["10.0"], False)])
def test_gpus_before_ampere_are_left_to_xla(monkeypatch, capabilities, old):
    devices = [SimpleNamespace(compute_capability=each) for each in capabilities]
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "local_devices", lambda: devices)
    assert inspect.unwrap(fused._has_old_gpu)() is old
    monkeypatch.undo()
    monkeypatch.setattr(fused, "_has_old_gpu", lambda: old)
    x = random((2, 6, 5, 16))
    assert lowered(simam, "cuda", x) == int(not old)
    with implementation("own"):
        assert lowered(simam, "cuda", x) == 1


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("checked", [True, False])
def test_kernels_inside_shard_map(checked, platform):
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
    specs = (P("data"), P())
    step = jax.shard_map(jax.grad(loss, (0, 1)), mesh=mesh, in_specs=specs, out_specs=specs, check_vma=checked)
    with implementation("own"):
        assert lowered(step, platform, random((2, 6, 5, 16)), jnp.float32(0.1)) == 2


@pytest.mark.parametrize("choice", ["auto", "xla"])
def test_simam_affine_relu(choice):
    x, scale, bias = random((2, 6, 5, 16), dtype=jnp.bfloat16), random((16,), 1), random((16,), 2)
    with implementation(choice):
        after = simam_affine_relu(x, scale, bias, 0.1)
        slopes = jax.grad(lambda *a: simam_affine_relu(*a, 0.1).astype(jnp.float32).sum(), (0, 1, 2))(x, scale, bias)

    def plain(x, scale, bias):
        return jnp.maximum(simam(x.astype(jnp.float32), 0.1) * scale[None, None, None] + bias[None, None, None], 0)

    assert after.dtype == jnp.bfloat16
    np.testing.assert_allclose(after.astype(jnp.float32), plain(x, scale, bias), rtol=1e-2, atol=1e-2)
    assert [slope.dtype for slope in slopes] == [jnp.bfloat16, jnp.float32, jnp.float32]
    for slope, their in zip(slopes, jax.grad(lambda *a: plain(*a).sum(), (0, 1, 2))(x, scale, bias), strict=True):
        np.testing.assert_allclose(slope.astype(jnp.float32), their.astype(jnp.float32), rtol=2e-2, atol=2e-2)
    with pytest.raises(ValueError, match="one number a channel"):
        inspect.unwrap(simam_affine_relu)(x, scale[:3], bias)  # the tests' own check of annotations comes first
    with pytest.raises(ValueError, match="positive finite"):
        simam_affine_relu(x, scale, bias, -1.0)


@pytest.mark.parametrize("x", [jnp.ones((2, 6, 5, 16), jnp.int32), jnp.ones((5, 16))])
def test_simam_affine_relu_refuses_what_is_no_image(x):
    with pytest.raises(ValueError, match="needs a floating array"):
        inspect.unwrap(simam_affine_relu)(x, jnp.ones(16), jnp.ones(16))


@pytest.mark.parametrize("choice", ["own", "xla"])
def test_simam_affine_relu_refuses_a_lambda_that_float32_does_not_hold(choice):
    with implementation(choice), pytest.raises(ValueError, match="e_lambda must lie between"):
        simam_affine_relu(jnp.ones((1, 4, 4, 8)), jnp.ones(8), jnp.ones(8), 1e-50)
