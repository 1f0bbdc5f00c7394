"""The attention modules against PyTorch's, by the numbers that tests/golden/make_attention_torch.py made in float64."""

from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from simam_jax import create_attention

FILE = Path(__file__).parents[1] / "golden" / "attention_torch.npz"


def cases() -> list[str]:
    with np.load(FILE) as arrays:
        return sorted({name.removesuffix("/y") for name in arrays if name.endswith("/y")})


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    with np.load(FILE) as arrays:
        return dict(arrays)


def tree(arrays: Mapping[str, np.ndarray], prefix: str) -> dict:
    """The arrays below a prefix, as nested dicts."""
    below = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return traverse_util.unflatten_dict(below, sep="/")


def assert_near(found, wanted: np.ndarray, scale: float, what: str) -> None:
    assert found.shape == wanted.shape, what
    error = np.abs(np.asarray(found, np.float64) - wanted).max()
    assert error <= 1e-5 * scale, f"{what}: {error / scale:.1e}"


@pytest.mark.parametrize("case", cases())
def test_outputs_and_gradients_are_those_of_pytorch(arrays, case):
    spec, _, mode = case.partition("@")
    module = create_attention(spec)
    x, dy = jnp.asarray(arrays["x"]), jnp.asarray(arrays["dy"])
    variables = tree(arrays, f"{case}/variables/")
    new = jax.eval_shape(module.init, jax.random.key(0), x)
    assert jax.tree.map(lambda array: array.shape, variables) == jax.tree.map(lambda array: array.shape, new)
    params = variables.get("params", {})

    @jax.jit
    def run(params, x):
        y, vjp, after = jax.vjp(
            lambda params, x: module.apply(
                {**variables, "params": params}, x, train=mode == "train", mutable=["batch_stats"]
            ),
            params,
            x,
            has_aux=True,
        )
        return y, *vjp(dy), after

    y, gradient, dx, after = run(params, x)
    assert_near(y, arrays[f"{case}/y"], np.abs(arrays[f"{case}/y"]).max(), "y")
    assert_near(dx, arrays[f"{case}/dx"], np.abs(arrays[f"{case}/dx"]).max(), "dx")
    wanted = traverse_util.flatten_dict(tree(arrays, f"{case}/gradient/params/"), sep="/")
    gradient = traverse_util.flatten_dict(gradient, sep="/")
    assert set(gradient) == set(wanted)
    largest = max((np.abs(array).max() for array in wanted.values()), default=0.0)
    for name, array in wanted.items():
        # A bias before a batch norm or a softmax has no gradient; what stands there is rounding.
        own = np.abs(array).max()
        assert_near(gradient[name], array, own if own > 1e-12 else largest, name)
    if mode == "train":
        kept = traverse_util.flatten_dict(after["batch_stats"], sep="/")
        for name, array in traverse_util.flatten_dict(tree(arrays, f"{case}/after/batch_stats/"), sep="/").items():
            assert_near(kept[name], array, np.abs(array).max(), name)
