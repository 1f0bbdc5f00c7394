"""A run comes back whole, or with a reason why not."""

import json
import shutil

import jax
import numpy as np
import pytest

from simam_jax.data.view import FixedView
from simam_jax.errors import StorageError, UsageError
from simam_jax.inference.restore import restore
from simam_jax.training.checkpoints import Checkpoints


@pytest.fixture
def copy(tiny_run, tmp_path):
    """A run that the test may damage; its data are gone."""
    return shutil.copytree(tiny_run.path, tmp_path / "run")


def steps(run):
    checkpoints = Checkpoints(run / "checkpoints")
    try:
        return checkpoints.steps
    finally:
        checkpoints.close()


def leaves(classifier):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(classifier.state)]


def test_what_comes_back(tiny_run):
    classifier = restore(tiny_run.path, "latest")
    facts = json.loads((tiny_run.path / "run.json").read_text())
    assert classifier.step == int(classifier.state.step) == 6
    assert classifier.classes == tuple(facts["classes"]) == ("one", "two, or so", "zero")
    assert classifier.mean == tuple(facts["mean"])
    assert classifier.view == FixedView(128, antialias=False, resize_to=0)
    assert sum(leaf.size for leaf in jax.tree.leaves(classifier.state.params)) == facts["parameters"]
    assert not jax.tree.leaves(classifier.state.opt_state)


def with_data(run, change):
    """Changes the section `data` of a run's config."""
    config = json.loads((run / "config.json").read_text())
    change(config["data"])
    (run / "config.json").write_text(json.dumps(config))


def test_images_are_seen_as_in_evaluation(copy):
    with_data(copy, lambda data: data.update(resize_to=150, random_resized_crop=0.08))
    assert restore(copy, "latest").view == FixedView(128, antialias=False, resize_to=150)


def test_a_run_of_0_1_0_squeezes_images(copy):
    def forget(data):
        del data["resize_to"], data["random_resized_crop"]

    with_data(copy, forget)
    assert restore(copy, "latest").view == FixedView(128, antialias=False, resize_to=0)


def test_a_step_is_asked_for_by_its_number(tiny_run):
    earlier, later = restore(tiny_run.path, "3"), restore(tiny_run.path, "6")
    assert (earlier.step, later.step) == (3, 6)
    assert any((a != b).any() for a, b in zip(leaves(earlier), leaves(later), strict=True))
    for a, b in zip(leaves(later), leaves(restore(tiny_run.path, "latest")), strict=True):
        np.testing.assert_array_equal(a, b)


def test_best_is_what_training_called_so(tiny_run):
    lines = [json.loads(line) for line in (tiny_run.path / "metrics.jsonl").read_text().splitlines()]
    scored = [line for line in lines if "eval/accuracy" in line]
    best = max(scored, key=lambda line: (line["eval/accuracy"], -line["step"]))
    assert restore(tiny_run.path).step == best["step"]


@pytest.mark.parametrize("word", ["7", "-3", "03", "beste", ""])
def test_an_unknown_checkpoint_lists_those_there(tiny_run, word):
    with pytest.raises(UsageError, match=r"best, latest or a step, and there are steps 3, 6$"):
        restore(tiny_run.path, word)


def test_no_run(tmp_path):
    with pytest.raises(UsageError, match=r"is no run: it has no config\.json"):
        restore(tmp_path)


def test_no_checkpoint_yet(copy):
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(UsageError, match="no checkpoints in"):
        restore(copy)
    (copy / "checkpoints").mkdir()
    with pytest.raises(UsageError, match="has no checkpoint yet"):
        restore(copy)


def test_no_best_yet_says_what_to_take(copy):
    for step in steps(copy):
        shutil.rmtree(copy / "checkpoints" / str(step) / "metrics", ignore_errors=True)
    with pytest.raises(UsageError, match="no best checkpoint yet: take --checkpoint latest, which is step 6"):
        restore(copy)


def test_damage_is_noticed_and_the_others_named(copy):
    weights = max((copy / "checkpoints" / "6").rglob("*"), key=lambda path: path.stat().st_size)
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 255
    weights.write_bytes(data)
    with pytest.raises(StorageError, match=r"step 6 .* is damaged.*; there is step 3, .* --checkpoint STEP$") as caught:
        restore(copy, "latest")
    assert len(str(caught.value)) < 500
    assert restore(copy, "3").step == 3
    shutil.rmtree(copy / "checkpoints" / "3")
    with pytest.raises(StorageError, match=r"there is no other$"):
        restore(copy, "latest")


def test_a_config_of_another_version(copy):
    config = json.loads((copy / "config.json").read_text())
    config["model"]["name"] = "towernet9"
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="does not fit this version: unknown network 'towernet9'"):
        restore(copy)
