"""The command that measures a run."""

import csv
import json
import shutil

import pytest

from simam_jax import command, evaluate


@pytest.fixture
def run(tiny_run, tmp_path):
    """A run that the test may write to."""
    return shutil.copytree(tiny_run.path, tmp_path / "run")


def ended(capsys, *words) -> tuple[int, str, str]:
    code = command.run(evaluate.main, [str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_is_said_and_written(run, capsys):
    code, out, err = ended(capsys, "--run", run, "--checkpoint", "latest")
    folder = run / "eval" / "eval" / "latest"
    assert (code, err) == (0, "")
    assert out.startswith(f"{run}, checkpoint latest (step 6), split eval\n\nimages                  6\n")
    assert "class       images  correct  recall  precision      f1" in out
    assert "truth \\ prediction     0  1  2" in out
    assert out.endswith(f"written to {folder}\n")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert list(metrics) == ["step", "checkpoint", "count", "loss", "accuracy", "top5", "balanced_accuracy"]
    assert (metrics["step"], metrics["checkpoint"], metrics["count"]) == (6, "latest", 6)
    with (folder / "predictions.csv").open(newline="") as file:
        predictions = list(csv.DictReader(file))
    assert metrics["accuracy"] == sum(row["correct"] == "true" for row in predictions) / 6
    assert [row["label"] for row in predictions] == ["one", "one", "two, or so", "two, or so", "zero", "zero"]


def test_each_split_and_checkpoint_has_its_folder(run, capsys):
    assert ended(capsys, "--run", run, "--split", "train")[0] == 0
    assert ended(capsys, "--run", run, "--checkpoint", "3", "--split", "train")[0] == 0
    assert sorted(path.name for path in (run / "eval" / "train").iterdir()) == ["3", "best"]
    metrics = json.loads((run / "eval" / "train" / "3" / "metrics.json").read_text())
    assert (metrics["step"], metrics["checkpoint"], metrics["count"]) == (3, "3", 24)


def test_images_left_out_are_named_and_end_with_1(run, tiny_run, tmp_path, capsys):
    data = shutil.copytree(tiny_run.data, tmp_path / "data")
    (data / "eval" / "zero" / "05.png").write_bytes(b"")
    code, out, err = ended(capsys, "--run", run, "--data", data)
    assert code == 1
    assert "images                  5\n" in out
    assert err == "left out: zero/05.png: empty file\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--split", "val"], "has no val split"),
        (["--checkpoint", "4"], "has no checkpoint '4'"),
        (["--data", "nowhere"], "no prepared data in nowhere"),
        (["--split", "test"], "invalid choice: 'test'"),
    ],
)
def test_usage_errors_are_one_line(run, capsys, words, said):
    code, out, err = ended(capsys, "--run", run, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_files_that_cannot_be_written_end_with_4_after_the_answer(run, capsys):
    (run / "eval").write_text("in the way")
    code, out, err = ended(capsys, "--run", run)
    assert code == 4
    assert "accuracy" in out
    assert err.startswith("error: cannot write to ")
