"""An image that turned bad after it was prepared ends the run, or is left out and counted."""

import json
import shutil

import pytest
from tiny_network import use_tiny_network
from tiny_run import OVERRIDES

from simam_jax.errors import StorageError, UsageError
from simam_jax.training.config import load_config
from simam_jax.training.loop import train


def vanish(path):
    path.unlink()


def tear(path):
    path.write_bytes(path.read_bytes()[:40])


@pytest.fixture
def data(tiny_run, tmp_path):
    """A copy of the tiny run's, to spoil."""
    return shutil.copytree(tiny_run.data, tmp_path / "data")


@pytest.fixture
def run(root, data, tmp_path, monkeypatch):
    """Trains, or goes on; gives the lines that it then has."""
    use_tiny_network(monkeypatch)

    def run(what: str, *overrides: str) -> list[dict]:
        words = [*OVERRIDES, f"--config.data.on_bad_record={what}", *overrides]
        train(load_config(f"{root / 'configs' / 'towernet.py'}:{data}", words), tmp_path / "run")
        return [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]

    return run


def images(data, split):
    return sorted((data / split).glob("*/*"))


@pytest.mark.parametrize("spoil", [vanish, pytest.param(tear, marks=pytest.mark.slow)])
def test_a_bad_image_ends_the_run_or_is_left_out_and_counted(run, data, spoil, log):
    """The advice in the error can be followed: the run goes on, and is a finished one to the next call."""
    spoil(images(data, "train")[0])
    spoil(images(data, "eval")[0])
    with pytest.raises(UsageError, match=r"cannot read the image one/.*on_bad_record=skip"):
        run("fail")
    lines = run("skip")
    assert [line["train/left_out"] for line in lines if "train/loss" in line] == [1, 1]
    assert [line["eval/left_out"] for line in lines if "eval/loss" in line] == [1, 1]
    assert "1 training images left out up to step 3" in log.text
    assert "1 images of eval left out" in log.text
    assert "left out: one/" in log.text
    assert run("skip") == lines


def test_too_many_end_the_run(run, data):
    for path in images(data, "train")[:3]:
        vanish(path)
    with pytest.raises(StorageError, match="3 of the 24 training images of epoch 0 could not be read, more than 10%"):
        run("skip")
