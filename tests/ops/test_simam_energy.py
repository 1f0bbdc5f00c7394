"""Energies and gates are the paper's equations 5 and 6."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simam_jax import simam
from simam_jax.ops.simam_energy import simam_energy

numbers = st.floats(-100, 100, width=32, allow_subnormal=False)
images = st.sampled_from([(2, 3, 4, 2), (1, 5, 2, 3)]).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=numbers)
)


def energy_by_hand(x: np.ndarray, e_lambda: float) -> np.ndarray:
    """Equation 5 in float64, M - 1 in the denominator of the variance."""
    x = x.astype(np.float64)
    squares = (x - x.mean((-3, -2), keepdims=True)) ** 2
    variance = squares.sum((-3, -2), keepdims=True) / (x.shape[-3] * x.shape[-2] - 1)
    return 4 * (variance + e_lambda) / (squares + 2 * variance + 2 * e_lambda)


@settings(max_examples=30)
@given(images, st.sampled_from([1e-4, 0.1, 3.0]))
def test_equals_the_equations(x, e_lambda):
    energy, gate = simam_energy(jnp.asarray(x), e_lambda)
    expected = energy_by_hand(x, e_lambda)
    np.testing.assert_allclose(energy, expected, rtol=2e-5)
    np.testing.assert_allclose(gate, 1 / (1 + np.exp(-1 / expected)), rtol=2e-5)


@pytest.mark.parametrize("case", range(4))
def test_golden(golden, case):
    with np.load(golden / "towernet_paddle.npz") as arrays:
        x, y = (np.transpose(arrays[f"simam{case}/{name}"], (0, 2, 3, 1)) for name in ("x", "y"))
        e_lambda = float(arrays[f"simam{case}/lambda"])
    energy, gate = (np.asarray(each) for each in simam_energy(jnp.asarray(x), e_lambda))
    assert np.abs(x * gate - y).max() <= 1e-5 * np.abs(y).max()
    # Back from what Paddle gave to the energy, where that division is well conditioned.
    clear = np.abs(x) > 1e-2 * np.abs(x).max()
    gates = y[clear].astype(np.float64) / x[clear]
    clear[clear] = gates < 0.99
    gates = gates[gates < 0.99]
    assert len(gates) > 0.3 * x.size
    np.testing.assert_allclose(energy[clear], 1 / np.log(gates / (1 - gates)), rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_gate_is_what_simam_multiplies_by(dtype):
    x = jnp.asarray(np.random.default_rng(0).normal(5, 40, (2, 7, 9, 3)), dtype)
    energy, gate = simam_energy(x, 0.1)
    assert energy.dtype == gate.dtype == jnp.float32
    expected = np.asarray(simam(x, 0.1), np.float32)
    np.testing.assert_allclose((x.astype(jnp.float32) * gate).astype(dtype).astype(jnp.float32), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(2, 1, 1, 3), (2, 4, 4, 3)])
def test_nothing_stands_out_of_a_constant_map_or_a_single_position(shape):
    energy, gate = simam_energy(jnp.full(shape, 3.0))
    np.testing.assert_allclose(energy, 2, rtol=1e-6)
    np.testing.assert_allclose(gate, 1 / (1 + np.exp(-0.5)), rtol=1e-6)


def test_the_neuron_that_stands_out_has_the_lowest_energy():
    energy, _ = simam_energy(jnp.ones((1, 5, 5, 1)).at[0, 2, 3, 0].set(4.0))
    assert np.unravel_index(np.argmin(energy), energy.shape) == (0, 2, 3, 0)


def test_a_lambda_that_is_none():
    with pytest.raises(ValueError, match="e_lambda must be a positive finite number"):
        simam_energy(jnp.ones((1, 2, 2, 1)), 0.0)
