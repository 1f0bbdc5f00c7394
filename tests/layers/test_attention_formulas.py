"""The attention modules that have no reference here, against their papers' formulas in float64.

Gradients are compared with central differences of the formula along random directions.
"""

from collections.abc import Callable

import jax
import numpy as np
import pytest
from flax import traverse_util
from random_variables import random_variables

from simam_jax import create_attention

Weights = dict[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def batch_norm(x: np.ndarray, weights: Weights, name: str, train: bool) -> np.ndarray:
    if train:
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axes), x.var(axes)
    else:
        mean, variance = weights[f"batch_stats/{name}/mean"], weights[f"batch_stats/{name}/var"]
    scale, bias = weights[f"params/{name}/scale"], weights[f"params/{name}/bias"]
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + bias


def linear(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    return x @ weights[f"params/{name}/kernel"] + weights[f"params/{name}/bias"]


def convolution(x: np.ndarray, kernel: np.ndarray, dilation: int = 1) -> np.ndarray:
    """Of (B, P, Q, C), padded with zeros to keep P and Q."""
    size = len(kernel)
    reach = (size - 1) // 2 * dilation
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    height, width = x.shape[1:3]
    return sum(
        padded[:, i * dilation : i * dilation + height, j * dilation : j * dilation + width] @ kernel[i, j]
        for i in range(size)
        for j in range(size)
    )


def srm(x: np.ndarray, weights: Weights, train: bool) -> np.ndarray:
    deviation = np.sqrt(x.var((1, 2), ddof=1) + 1e-5)
    mean_weight, deviation_weight = weights["params/cfc"]
    z = mean_weight * x.mean((1, 2)) + deviation_weight * deviation
    return x * sigmoid(batch_norm(z, weights, "bn", train))[:, None, None]


def bam(x: np.ndarray, weights: Weights, train: bool) -> np.ndarray:
    hidden = np.maximum(linear(x.mean((1, 2)), weights, "fc1"), 0)
    of_channels = batch_norm(linear(hidden, weights, "fc2"), weights, "bn_channel", train)
    of_positions = np.maximum(linear(x, weights, "reduce"), 0)
    for name in ("dilated1", "dilated2"):
        of_positions = convolution(of_positions, weights[f"params/{name}/kernel"], dilation=4)
        of_positions = np.maximum(of_positions + weights[f"params/{name}/bias"], 0)
    of_positions = batch_norm(linear(of_positions, weights, "project"), weights, "bn_spatial", train)
    return x * (1 + sigmoid(of_channels[:, None, None] + of_positions))


def triplet(x: np.ndarray, weights: Weights, train: bool) -> np.ndarray:
    def branch(axis: str, order: tuple[int, ...]) -> np.ndarray:
        """x gated by its plane without the axis, which order puts last."""
        turned = x.transpose(order)
        pooled = np.stack([turned.max(-1), turned.mean(-1)], axis=-1)
        logits = convolution(pooled, weights[f"params/conv_{axis}/kernel"])
        return (turned * sigmoid(batch_norm(logits, weights, f"bn_{axis}", train))).transpose(np.argsort(order))

    return (branch("h", (0, 3, 2, 1)) + branch("w", (0, 1, 3, 2)) + branch("c", (0, 1, 2, 3))) / 3


FORMULAS: dict[str, Callable[[np.ndarray, Weights, bool], np.ndarray]] = {
    "srm": srm,
    "bam:reduction=4": bam,
    "triplet": triplet,
}


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("spec", FORMULAS)
def test_outputs_and_gradients_are_those_of_the_formula(spec, train):
    rng = np.random.default_rng(7)
    x = (rng.normal(size=(3, 6, 5, 16)) + rng.normal(size=(3, 1, 1, 16))).astype(np.float32)
    dy = rng.normal(size=x.shape).astype(np.float32)
    module = create_attention(spec)
    weights = random_variables(module, x.shape, rng)

    def formula(inputs: Weights) -> np.ndarray:
        rest = {name: array.astype(np.float64) for name, array in inputs.items() if name != "x"}
        return FORMULAS[spec](inputs["x"].astype(np.float64), rest, train)

    def run(inputs):
        variables = traverse_util.unflatten_dict(inputs, sep="/")
        y, after = module.apply(variables, variables.pop("x"), train=train, mutable=["batch_stats"])
        return (y * dy).sum(), (y, traverse_util.flatten_dict(after, sep="/"))

    run = jax.jit(jax.grad(run, has_aux=True))
    inputs = {"x": x, **weights}
    wanted = formula(inputs)
    gradients, (y, after) = run(inputs)
    assert np.abs(y - wanted).max() <= 1e-5 * np.abs(wanted).max()

    later = run({**inputs, **after})[1][1]
    for name, statistic in after.items():
        # Each step leaves the same part of the way to the batch's statistics.
        keep = (0.99 if spec == "triplet" else 0.9) if train else 1
        np.testing.assert_allclose(later[name] - statistic, keep * (statistic - inputs[name]), rtol=1e-3, atol=1e-6)

    largest = max(np.linalg.norm(gradient) for gradient in gradients.values())
    for name, gradient in gradients.items():
        if name.startswith("batch_stats/"):
            continue
        gradient = np.asarray(gradient, np.float64)  # noqa: PLW2901
        for _ in range(3):
            direction = rng.normal(size=gradient.shape)
            ends = [formula({**inputs, name: inputs[name] + step * direction}) for step in (1e-6, -1e-6)]
            difference = ((ends[0] - ends[1]) * dy.astype(np.float64)).sum() / 2e-6
            # The directions are normal, so the norm is the derivative's size. A bias before a batch norm has none.
            size = np.linalg.norm(gradient)
            error = abs((gradient * direction).sum() - difference)
            assert error <= 1e-5 * (size if size > 1e-5 * largest else largest), f"{name}: {error / size:.1e}"
