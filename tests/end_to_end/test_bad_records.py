"""An image that turned bad after it was prepared ends the run, or is left out and counted."""

import json
import shutil

import pytest
from tiny_run import OVERRIDES

from simam_jax.data.dataset import open_splits
from simam_jax.errors import UsageError
from simam_jax.training import experiment
from simam_jax.training.config import load_config
from simam_jax.training.loop import train


def vanish(path):
    path.unlink()


def tear(path):
    path.write_bytes(path.read_bytes()[:40])


@pytest.fixture(params=[vanish, tear])
def damaged(request, tiny_run, tmp_path, monkeypatch):
    """The tiny run's data, of which one training image is no longer good once the folder has been looked through."""
    shutil.copytree(tiny_run.data, tmp_path / "data")

    def open_then_damage(*args, **kwargs):
        splits = open_splits(*args, **kwargs)
        request.param(sorted((tmp_path / "data" / "train" / "zero").iterdir())[0])
        return splits

    monkeypatch.setattr(experiment, "open_splits", open_then_damage)
    return tmp_path / "data"


def run(root, data, workdir, what):
    config = load_config(
        f"{root / 'configs' / 'towernet.py'}:{data}", [*OVERRIDES, f"--config.data.on_bad_record={what}"]
    )
    train(config, workdir)


def test_a_bad_image_is_left_out_and_counted(root, damaged, tmp_path, log):
    run(root, damaged, tmp_path / "run", "skip")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["train/left_out"] for line in lines if "train/loss" in line] == [1, 1]
    assert "1 training images left out up to step 3" in log.text
    assert "zero/" in log.text


@pytest.mark.parametrize("damaged", [tear], indirect=True)
def test_a_bad_image_ends_the_run(root, damaged, tmp_path):
    with pytest.raises(UsageError, match=r"cannot read the image zero/.*on_bad_record=skip"):
        run(root, damaged, tmp_path / "run", "fail")
