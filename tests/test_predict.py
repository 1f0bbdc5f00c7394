"""The command that names what images show."""

import csv
import io
import json
import shutil
import subprocess
import sys

import pytest

from simam_jax import command, predict


@pytest.fixture
def run(tiny_run, tmp_path):
    """The run alone: its data's address leads nowhere."""
    run = shutil.copytree(tiny_run.path, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["data"]["dir"] = "gone"
    (run / "config.json").write_text(json.dumps(config))
    return run


@pytest.fixture
def photos(tiny_run, tmp_path):
    """Two images, and between them one that is cut short."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, class_name in {"a.png": "zero", "c.png": "one"}.items():
        shutil.copy(tiny_run.data / "eval" / class_name / "00.png", folder / name)
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:60])
    return folder


def ended(capsys, *words) -> tuple[int, str, str]:
    code = command.run(predict.main, [str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_csv(run, photos, capsys):
    code, out, err = ended(capsys, "--run", run, "--format", "csv", "--top-k", "2", photos / "c.png", photos / "a.png")
    rows = list(csv.reader(io.StringIO(out)))
    assert (code, err) == (0, "")
    assert rows[0] == ["path", "rank", "class", "probability"]
    assert [(row[0], row[1]) for row in rows[1:]] == [
        (str(photos / name), rank) for name in ("c.png", "a.png") for rank in ("1", "2")
    ]
    assert all(float(first[3]) >= float(second[3]) for first, second in zip(rows[1::2], rows[2::2], strict=True))


def test_a_bad_image_is_reported_and_the_others_answered(run, photos, capsys):
    code, out, err = ended(capsys, "--run", run, "--format", "jsonl", photos, "gone.png")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [each["path"] for each in answers] == [*(str(photos / f"{name}.png") for name in "abc"), "gone.png"]
    assert answers[1] == {"path": str(photos / "b.png"), "error": "truncated"}
    assert answers[3]["error"] == "no such file or directory"
    assert err == f"{photos / 'b.png'}: truncated\ngone.png: no such file or directory\n"
    assert list(answers[0]) == ["path", "top"]
    assert {guess["class"] for guess in answers[0]["top"]} == {"one", "two, or so", "zero"}
    assert sum(guess["probability"] for guess in answers[0]["top"]) == pytest.approx(1, abs=1e-5)


def test_the_table_is_the_default(run, photos, capsys):
    code, out, _ = ended(capsys, "--run", run, "--top-k", "1", photos / "a.png")
    assert code == 0
    assert out.splitlines()[0].split() == ["path", "rank", "class", "probability"]
    assert len(out.splitlines()) == 2


def test_standard_input_is_an_image_or_a_list(run, photos, capsys, monkeypatch):
    path, words = photos / "a.png", ["--run", run, "--format", "jsonl", "--top-k", "1"]
    named = json.loads(ended(capsys, *words, path)[1])
    for data, name in [(path.read_bytes(), "-"), (f"{path}\n".encode(), str(path))]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code, out, _ = ended(capsys, *words, "-")
        assert code == 0
        assert json.loads(out) == {**named, "path": name}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: INPUT"),
        (["gone.png"], "there is no image: gone.png: no such file or directory"),
        (["*.nothing"], "there is no image: *.nothing: no file matches"),
        (["--top-k", "0", sys.executable], "--top-k must be at least 1, got 0"),
        (["--checkpoint", "best?", sys.executable], "has no checkpoint 'best?'"),
    ],
)
def test_usage_errors_are_one_line(run, capsys, words, said):
    code, out, err = ended(capsys, "--run", run, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_run_json_that_lacks_something_is_named(run, photos, capsys):
    facts = json.loads((run / "run.json").read_text())
    del facts["classes"]
    (run / "run.json").write_text(json.dumps(facts))
    code, out, err = ended(capsys, "--run", run, photos / "a.png")
    assert (code, out, err) == (2, "", f"error: {run / 'run.json'} is damaged: it has no classes\n")


def test_a_reader_that_goes_away_is_no_traceback(run, tiny_run, python_environment):
    words = [sys.executable, "-m", "simam_jax.predict", "--run", str(run), str(tiny_run.data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=python_environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
