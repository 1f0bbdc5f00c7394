"""Our contestants' side of the wire."""

import io
import json

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from simam_jax.benchmarking.jobs import step
from simam_jax.benchmarking.serve import serve

STEP = {
    "network": "cifar_resnet20",
    "attention": "none",
    "dtype": "float32",
    "image_size": 8,
    "batch": 2,
    "classes": 4,
    "implementation": "xla",
}


def answers(*asked: dict) -> list[dict]:
    said = io.StringIO()
    serve(io.StringIO("".join(json.dumps(each) + "\n" for each in asked)), said)
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_it_says_what_it_is_then_prepares_and_runs():
    facts, ready, done = answers({"prepare": {"job": "matmul", "dtype": "float32", "size": 8}}, {"run": 2})
    assert facts["ready"]["platform"] == "cpu"
    assert ready == {"ready": {"work": 1024}}
    assert done["seconds"] > 0


def test_what_fails_is_an_answer_and_not_the_end():
    attention = {"job": "attention", "shape": (1, 4, 4, 8), "dtype": "float32", "backward": True}
    _, early, unknown, wrong, ready = answers(
        {"run": 1},
        {"prepare": {"job": "dance"}},
        {"prepare": {**attention, "dtype": "float33", "implementation": "own"}},
        {"prepare": {**attention, "implementation": "own"}},
    )
    assert early["error"].startswith("AssertionError: run before prepare")
    assert unknown["error"] == "KeyError: 'dance'"
    assert "float33" in wrong["error"]
    assert ready == {"ready": {"work": 4 * 4 * 4 * 8 * 4}}


def test_weights_for_the_peers(monkeypatch, tmp_path):
    def zeros(model, size):
        images = jnp.zeros((1, size, size, 3))
        shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), images, train=False))
        return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)

    monkeypatch.setattr(step, "initial_variables", zeros)
    step.weights_job({**STEP, "exchange": str(tmp_path / "exchange.npz")})
    with np.load(tmp_path / "exchange.npz") as stored:
        assert stored["images"].shape == (2, 8, 8, 3)
        assert stored["labels"].shape == (2,)
        assert stored["weights/layer1.0.conv1.weight"].shape == (16, 16, 3, 3)
        assert stored["weights/linear.weight"].shape == (4, 64)


class Tiny(nn.Module):
    @nn.compact
    def __call__(self, images, *, train):
        x = nn.BatchNorm(use_running_average=not train)(nn.Conv(4, (3, 3))(images))
        return nn.Dense(4)(nn.relu(x).mean((-3, -2)))


def test_a_step_counts_three_times_the_forward_pass(monkeypatch):
    monkeypatch.setattr(step, "_model", lambda spec: Tiny())
    job = step.step_job(STEP)
    job.run(1)
    assert len(set(job.facts["losses"])) == 5
    assert job.facts["work"] == 2 * 3 * STEP["batch"] * (8 * 8 * 3 * 3 * 3 * 4 + 4 * 4)


def test_memory_of_steps(monkeypatch):
    monkeypatch.setattr(step, "_model", lambda spec: Tiny())
    facts = step.memory_job(STEP).facts
    assert facts["compiled_bytes"] > 2 * 8 * 8 * 3 * 4
    assert facts["bytes"] > 0
