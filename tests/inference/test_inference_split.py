"""A run is evaluated on its own data, or said not to be."""

import json
import shutil

import numpy as np
import pytest

from simam_jax.data.dataset import open_dataset
from simam_jax.data.preparation import prepare
from simam_jax.data.view import FixedView
from simam_jax.errors import UsageError
from simam_jax.inference.split import open_split


def with_config(run, tmp_path, **data):
    """A copy of a run whose config says otherwise about its data."""
    copy = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints"))
    config = json.loads((copy / "config.json").read_text())
    config["data"] |= data
    (copy / "config.json").write_text(json.dumps(config))
    return copy


def test_the_runs_own(tiny_run, log):
    split = open_split(tiny_run.path)
    assert split.label == "eval"
    assert split.names[:2] == ["one/00.png", "one/05.png"]
    assert len(split.records) == 6
    assert split.batch_size == 4
    assert split.records.read(0, 0)["image"].shape == (128, 128, 3)
    assert not log.messages
    assert len(open_split(tiny_run.path, "train").records) == 24


def test_every_split_is_seen_as_evaluation_sees_it(tiny_run, tmp_path):
    run = with_config(tiny_run.path, tmp_path, resize_to=150, random_resized_crop=0.5)
    examples = open_dataset(str(tiny_run.data)).open_split("train")
    seen = open_split(run, "train").records.read(0, 0)["image"]
    np.testing.assert_array_equal(seen, FixedView(128, antialias=False, resize_to=150)(examples.read(0)[0]))


def test_moved_data_are_the_same_data(tiny_run, tmp_path, log):
    moved = shutil.copytree(tiny_run.data, tmp_path / "moved")
    run = with_config(tiny_run.path, tmp_path, dir="gone")
    with pytest.raises(UsageError, match=r"the run's data cannot be opened: .*gone.*; or say where .* by --data DIR$"):
        open_split(run)
    assert open_split(run, data=str(moved)).label == "eval"
    assert not log.messages


def test_val_is_cut_from_train(tiny_run, tmp_path):
    with pytest.raises(UsageError, match=r"no val split, since its data\.val_fraction is 0"):
        open_split(tiny_run.path, "val")
    run = with_config(tiny_run.path, tmp_path, val_fraction=0.25)
    train, val, held_out = (open_split(run, name) for name in ("train", "val", "eval"))
    assert [len(split.records) for split in (train, val, held_out)] == [18, 6, 6]
    assert not set(train.names) & set(val.names)


def test_other_images_are_warned_of_and_kept_apart(tiny_run, tmp_path, log):
    shutil.copytree(tiny_run.data / "train", tmp_path / "images")
    prepare(str(tmp_path / "images"), str(tmp_path / "other set"))
    split = open_split(tiny_run.path, data=str(tmp_path / "other set"))
    fingerprint = json.loads((tmp_path / "other set" / "manifest.json").read_text())["fingerprint"]
    assert split.label == f"eval@other_set-{fingerprint[:8]}"
    assert "is not the data that" in log.text


def test_other_classes_are_an_error_that_says_which(tiny_run, tmp_path):
    images = shutil.copytree(tiny_run.data / "train", tmp_path / "images")
    (images / "one").rename(images / "eleven")
    prepare(str(images), str(tmp_path / "data"))
    with pytest.raises(UsageError, match=r"other classes than .*: it lacks one; it has eleven, which the run does not"):
        open_split(tiny_run.path, data=str(tmp_path / "data"))


def test_an_unknown_split(tiny_run):
    with pytest.raises(UsageError, match="unknown split 'test': it is one of eval, train, val"):
        open_split(tiny_run.path, "test")
