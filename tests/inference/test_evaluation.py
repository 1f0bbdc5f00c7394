"""An evaluation agrees with training, and with plain arithmetic."""

import json
import shutil

import numpy as np
import pytest

from simam_jax.errors import UsageError
from simam_jax.inference.evaluation import evaluate
from simam_jax.inference.forward import Forward
from simam_jax.inference.restore import restore
from simam_jax.inference.split import open_split


@pytest.fixture(scope="module")
def classifier(tiny_run):
    return restore(tiny_run.path, "latest")


def test_it_is_what_training_wrote(tiny_run, classifier):
    lines = [json.loads(line) for line in (tiny_run.path / "metrics.jsonl").read_text().splitlines()]
    written = {step: line for line in lines for step in [line["step"]] if "eval/loss" in line}
    for step in (3, 6):
        evaluation = evaluate(restore(tiny_run.path, str(step)), open_split(tiny_run.path))
        assert evaluation.step == step
        for name, value in evaluation.metrics.items():
            assert value == pytest.approx(written[step][f"eval/{name}"], rel=1e-5)


def test_it_is_what_numpy_finds(tiny_run, classifier):
    split = open_split(tiny_run.path)
    evaluation = evaluate(classifier, split)
    images = np.stack([split.records.read(place, place)["image"] for place in range(6)])
    logits = Forward(classifier, batch_size=6).images(images).astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    labels = np.array([0, 0, 1, 1, 2, 2])
    right = logits.argmax(-1) == labels
    assert evaluation.count == 6
    assert evaluation.names == split.names
    np.testing.assert_array_equal(evaluation.labels, labels)
    np.testing.assert_array_equal(evaluation.predictions, logits.argmax(-1))
    np.testing.assert_allclose(evaluation.probabilities, probabilities.max(-1), rtol=1e-4)
    assert evaluation.metrics == pytest.approx(
        {
            "loss": -np.log(probabilities[np.arange(6), labels]).mean(),
            "accuracy": right.mean(),
            "top5": 1.0,
            "balanced_accuracy": np.mean([right[labels == label].mean() for label in range(3)]),
        },
        rel=1e-4,
    )
    np.testing.assert_array_equal(evaluation.confusion.sum(1), [2, 2, 2])


def test_an_image_that_cannot_be_read_does_not_count(tiny_run, classifier, tmp_path):
    data = shutil.copytree(tiny_run.data, tmp_path / "data")
    (data / "eval" / "two, or so" / "00.png").write_bytes(b"no image")
    evaluation = evaluate(classifier, open_split(tiny_run.path, data=str(data)))
    assert evaluation.count == 5
    assert "two, or so/00.png" not in evaluation.names
    np.testing.assert_array_equal(evaluation.labels, [0, 0, 1, 2, 2])


def test_no_image_at_all_is_an_error(tiny_run, classifier, tmp_path):
    data = shutil.copytree(tiny_run.data, tmp_path / "data")
    for path in (data / "eval").rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(UsageError, match="no image of the eval split could be read"):
        evaluate(classifier, open_split(tiny_run.path, data=str(data)))
