import json
import math
import resource
from contextlib import contextmanager

import pytest

from simam_jax.errors import StorageError
from simam_jax.training.summaries import Summaries, read_metrics


def write(run, step: int, upto: int) -> None:
    summaries = Summaries(run, step=step, hyperparameters={"epochs": 3, "name": "towernet"})
    for at in range(step + 1, upto + 1):
        summaries.write(at, 0, {"train/loss": float(at), "train/accuracy": math.nan})
    summaries.close()


def test_going_on_removes_what_is_later(tmp_path):
    write(tmp_path, 0, 5)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "ep')  # a line cut short
    write(tmp_path, 3, 4)
    lines = read_metrics(tmp_path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert lines[0]["train/accuracy"] is None


def test_tensorboard_files_lose_what_is_later_too(tmp_path):
    tf = pytest.importorskip("tensorflow")
    write(tmp_path, 0, 5)
    write(tmp_path, 3, 4)
    steps = [
        event.step
        for path in tmp_path.glob("events.out.tfevents.*")
        for event in map(tf.compat.v1.Event.FromString, tf.compat.v1.io.tf_record_iterator(str(path)))
        if any(value.tag == "train/loss" for value in event.summary.value)
    ]
    assert sorted(steps) == [1, 2, 3, 4]


@contextmanager
def files_no_larger_than(path):
    """As a full disk: a write beyond the size that this one has fails."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))


@pytest.mark.parametrize(
    ("pattern", "said"), [("metrics.jsonl", "metrics.jsonl: File too"), ("events*", "TensorBoard")]
)
def test_what_cannot_be_written_is_named(tmp_path, pattern, said):
    if pattern == "events*":
        pytest.importorskip("tensorflow")
    summaries = Summaries(tmp_path, step=0, hyperparameters={})
    summaries.write(1, 0, {"train/loss": 1.0})
    (path,) = tmp_path.glob(pattern)
    if path.name == "metrics.jsonl":
        # Smaller than the other, or that would fail first.
        assert path.stat().st_size < next(tmp_path.glob("events*")).stat().st_size
    with files_no_larger_than(path), pytest.raises(StorageError, match=f"(?s)cannot write .*{said}.*make room there"):
        summaries.write(2, 0, {"train/loss": 2.0})
    summaries.close()
    # There is room again when it is closed, and the line that had none is written then.
    assert [line["step"] for line in read_metrics(tmp_path)] == [1, 2]


def test_without_tensorflow_the_lines_are_written_and_it_is_said(tmp_path, monkeypatch, log):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    with log.at_level("INFO", logger="simam_jax"):
        write(tmp_path, 0, 1)
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["step"] == 1
    assert "no TensorBoard files" in log.text
    assert not list(tmp_path.glob("events*"))
