"""What the page reads: runs, answers, studies, data folders, pictures."""

import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from simulated_files import CLASSES, FINGERPRINT, simulate, write_run

from simam_jax.errors import UsageError
from simam_jax.reporting.answers_file import read_answers
from simam_jax.reporting.page import write_page
from simam_jax.reporting.page.data_folder import find_data
from simam_jax.reporting.page.pictures import embedded
from simam_jax.reporting.page.run_files import read_run
from simam_jax.reporting.page.single_run import as_variant, scores_on_eval
from simam_jax.reporting.page.study_files import read_study


@pytest.fixture
def copy(run, tmp_path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def test_a_run_that_is_being_written(copy):
    whole = read_run(copy).lines
    with (copy / "metrics.jsonl").open("a") as file:
        file.write('{"step": 70, "epo')
    assert read_run(copy).lines == whole
    (copy / "metrics.jsonl").unlink()
    assert read_run(copy).lines == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("metrics.jsonl", '{"step": 1}\n', "line 1"),
        ("config.json", "[]", "no JSON object"),
        ("run.json", "{}", "no list of classes"),
        ("eval/eval/best/predictions.csv", "path,label\na,b\n", "no column, or no class"),
        (
            "eval/eval/best/predictions.csv",
            "path,label,prediction,probability\na,plain,plain,x\n",
            "float",
        ),
        (
            "eval/eval/best/predictions.csv",
            "path,label,prediction,probability\na,plain,plain,1\nb,plain,plain,nan\n",
            "in line 3 the probability is nan, and not between 0 and 1",
        ),
    ],
)
def test_damaged_files_are_named(copy, name, content, said):
    (copy / name).write_text(content)
    with pytest.raises(UsageError, match=said) as caught:
        read_answers(copy, "best", read_run(copy).classes)
    assert name.split("/")[-1] in str(caught.value)


def test_answers_come_back_as_they_were_written(run, images):
    found = read_answers(run, "best", read_run(run).classes)
    assert found is not None
    assert list(found.names) == list(images.names)
    np.testing.assert_array_equal(found.labels, images.labels)
    metrics = json.loads((run / "eval/eval/best/metrics.json").read_text())
    assert (found.predictions == found.labels).mean() == metrics["accuracy"]
    assert found.step == metrics["step"]
    assert read_answers(run, "latest", CLASSES) is None


def test_best_and_last_epoch_of_a_run(run, copy):
    (trial,) = as_variant(read_run(run)).trials
    assert trial.scores["best"]["epoch"] == 4
    assert trial.scores["last"]["epoch"] == 5
    assert trial.scores["best"]["accuracy"] > trial.scores["last"]["accuracy"]
    assert 0 < trial.scores["best"]["calibration_error"] < 1
    assert "calibration_error" not in trial.scores["last"]
    config = json.loads((copy / "config.json").read_text())
    config["checkpoint"]["best_above"] = 1.0
    (copy / "config.json").write_text(json.dumps(config))
    (trial,) = as_variant(read_run(copy)).trials
    assert set(trial.scores) == {"last"}


def test_answers_of_an_earlier_best_epoch_are_none(copy):
    """As where a run was evaluated, went on, and got better."""
    assert as_variant(read_run(copy)).answers
    lines = [json.loads(line) for line in (copy / "metrics.jsonl").read_text().splitlines()]
    better = {"step": lines[-1]["step"] + 10, "epoch": 6, "time": 2.0, "eval/loss": 0.1, "eval/accuracy": 1.0}
    (copy / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, better]))
    variant = as_variant(read_run(copy))
    assert variant.trials[0].scores["best"]["epoch"] == 6
    assert variant.answers == []
    page = write_page(copy).read_text()
    assert "No answers of the best epoch were kept" in page
    assert "What is taken for what" not in page


def test_of_two_equal_epochs_the_first_is_best(copy):
    lines = [json.loads(line) for line in (copy / "metrics.jsonl").read_text().splitlines()]
    lines = [line | ({"eval/accuracy": 0.5} if "eval/accuracy" in line else {}) for line in lines]
    (copy / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (trial,) = as_variant(read_run(copy)).trials
    assert trial.scores["best"]["epoch"] == 0


def test_a_study_has_its_variants_and_trials(study):
    found = read_study(study)
    assert [variant.attention for variant in found.variants] == ["none", "simam", "se:reduction=8"]
    assert [len(variant.done) for variant in found.variants] == [8, 8, 8]
    assert not found.variants[0].comparison
    assert found.variants[1].comparison["best"]["accuracy"]["verdict"]["outcome"] == "better"
    assert len(found.variants[1].scores("best", "accuracy")) == 8
    assert {trial.shown for variant in found.variants for trial in variant.trials} == {"last"}


def test_the_answer_is_that_of_the_best_epoch_where_val_chose_it(study, tmp_path):
    copy = Path(shutil.copytree(study, tmp_path / "copy"))
    results = json.loads((copy / "results.json").read_text())
    (copy / "results.json").write_text(json.dumps(results | {"selection": "val"}))
    found = read_study(copy)
    assert {trial.shown for variant in found.variants for trial in variant.trials} == {"best"}


def test_what_a_run_with_validation_did_on_eval(tmp_path, data, images):
    answers = simulate(np.random.default_rng(1), images, 0)
    write_run(tmp_path / "run", answers, data=data, val_fraction=0.1)
    path = tmp_path / "run" / "metrics.jsonl"
    last = json.loads(path.read_text().splitlines()[-1])
    measured = {"step": last["step"], "epoch": last["epoch"], "time": 2.0, "eval/loss": 1.5, "eval/accuracy": 0.25}
    with path.open("a") as file:
        file.write(json.dumps(measured) + "\n")
    found = scores_on_eval(read_run(tmp_path / "run"))
    assert found["last"] == {"epoch": 5.0, "step": 60.0, "loss": 1.5, "accuracy": 0.25}
    assert found["best"]["accuracy"] == pytest.approx(answers.metrics["accuracy"])
    assert 0 < found["best"]["calibration_error"] < 1


def test_a_run_without_validation_has_no_other_figures(run):
    assert scores_on_eval(read_run(run)) == {}


def test_a_study_without_results_and_a_damaged_one(tmp_path):
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(UsageError, match="without results"):
        read_study(tmp_path)
    (tmp_path / "results.json").write_text('{"variants": [{"network": "a"}]}')
    with pytest.raises(UsageError, match="'attention' is missing"):
        read_study(tmp_path)


def test_data_is_found_by_its_fingerprint_only(data, tmp_path):
    found = find_data(data.name, FINGERPRINT, near=[tmp_path, data.parent])
    assert found is not None
    assert found.path == data
    assert found.image("plain/0001.png") == data / "eval" / "plain" / "0001.png"
    assert found.image("../manifest.json") is None
    assert found.image("/etc/hosts") is None
    assert find_data(data.name, "another", near=[data.parent]) is None
    assert find_data(data.name, FINGERPRINT, near=[tmp_path]) is None
    assert find_data("tfds:mnist", FINGERPRINT, near=[data.parent]) is None


def test_pictures_are_small_and_as_the_network_sees_them(tmp_path):
    Image.fromarray(np.full((400, 800), 0xFFFF, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (30, 20), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    deep, clear = (decoded(embedded(tmp_path / name, 100)) for name in ("deep.png", "clear.png"))
    assert deep.size == (100, 50)
    assert np.asarray(deep).min() > 250
    assert clear.size == (30, 20)
    assert np.asarray(clear).max() < 5


def test_what_is_no_picture_gives_none(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert embedded(tmp_path / "x.png", 100) is None
    assert embedded(tmp_path / "gone.png", 100) is None


def decoded(uri: str | None) -> Image.Image:
    assert uri is not None
    kind, content = uri.split(",", 1)
    assert kind == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")
