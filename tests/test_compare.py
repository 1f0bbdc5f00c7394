"""The command that compares attentions: what it refuses, and a study from beginning to end."""

import json
from pathlib import Path

import pytest
from tiny_run import OVERRIDES

from simam_jax import command, compare


def ended(capsys, *words) -> tuple[int, str, str]:
    code = command.run(compare.main, [str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one of the arguments --config --study is required"),
        (["CONFIG", "--seeds", "many"], "argument --seeds: invalid int value: 'many'"),
        (["CONFIG", "--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["CONFIG", "--seeds-at-once", "0"], "--seeds-at-once must be at least 1, got 0"),
        (["CONFIG", "--epochs", "-1"], "--epochs must be at least 1"),
        (["CONFIG", "--models", "towernet,towrnet"], "towrnet with none: unknown network 'towrnet'"),
        (["CONFIG", "--attentions", "none,simm"], "towernet with simm: unknown attention 'simm'"),
        (["CONFIG", "--attentions", "none,simam:e_lambda=-1"], "towernet with simam:e_lambda=-1: "),
        (["CONFIG", "--attentions", "none,auto"], "attention 'auto': unknown attention 'auto': it is one of bam, cbam"),
        (["CONFIG", "--attentions", "simam,se"], "the attentions lack none, which the others are compared with"),
        (["CONFIG", "--attentions", "none,reduction=4"], "'reduction=4' is an option of no attention"),
        (["CONFIG", "--config.seed=3"], "--config.seed is the study's own to set: say --seeds"),
        (["CONFIG", "--config.model.attention=se"], "--config.model.attention is the study's own to set: say --attent"),
        (["CONFIG", "--config.checkpoint.best_above=0.1"], "every trial has a best epoch"),
        (["CONFIG", "--config.epohs=3"], "the nearest is --config.epochs"),
        (["CONFIG", "--config.optimizer.name=adm"], "config.optimizer: unknown optimizer 'adm': it is one of sgd"),
        (["CONFIG", "--config.schedule.name=nope"], "config.schedule: unknown schedule 'nope'"),
        (["CONFIG", "--config.checkpoint.best_metric=loss"], "config.checkpoint: best_metric is one of accuracy"),
        (["CONFIG", "--config.data.on_bad_record=sulk"], "config.data: on_bad_record is fail or skip"),
        (["CONFIG", "--config.data.val_fraction=1.5"], "data.val_fraction must be at least 0 and below 1"),
        (["CONFIG", "--config.micro_batches=3"], "config.micro_batches is 3: batch_size, 32, must be a multiple of it"),
        (["CONFIG", "--config.eval_batch_size=0"], "config.eval_batch_size must be at least 1, got 0"),
        (["CONFIG", "--config.data.image_size=64"], "towernet with none: TowerNet halves its images seven times"),
        (["CONFIG", "--data", "nowhere"], "no prepared data in nowhere: make it with `python -m simam_jax.prepare"),
        (["CONFIG", "--executor", "cloud"], "unknown executor 'cloud': it is one of serial, processes, slurm"),
        (["CONFIG", "--jobs", "0"], "--jobs must be at least 1, got 0"),
        (["CONFIG", "--jobs", "3"], "--jobs goes with --executor processes or slurm: serial runs one task at a time"),
        (["CONFIG", "--slurm", "partition"], "'partition' is not NAME=VALUE"),
        (["CONFIG", "--slurm", "partition=gpu"], "--slurm goes with --executor slurm"),
        (["--config", "gone.py"], "no config file gone.py"),
        (["--study", "gone.json"], "cannot read the study gone.json"),
        (["--study", "gone.json", "--seeds", "3"], "--seeds goes with --config"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(tiny_run, root, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    config = ["--config", f"{root}/configs/towernet.py:{tiny_run.data}"]
    words = [each for word in words for each in (config if word == "CONFIG" else [word])]
    code, out, err = ended(capsys, *words, "--out", tmp_path / "study")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "study").exists()


@pytest.fixture(scope="module")
def arguments(root: Path, tiny_run) -> list[str]:
    """Of a study of two trials, each of which compiles for longer than it trains."""
    overrides = [each for each in OVERRIDES if "epochs" not in each and "best_above" not in each]
    return ["--config", f"{root}/configs/towernet.py:{tiny_run.data}", "--seeds", "1", "--epochs", "1", *overrides]


@pytest.fixture(scope="module")
def study(arguments, tmp_path_factory) -> Path:
    """A study that has been run; a test that changes it takes a copy."""
    folder = tmp_path_factory.mktemp("studies") / "study"
    assert command.run(compare.main, [*arguments, "--out", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_a_study_and_its_folder(study):
    assert sorted(path.name for path in (study / "trials").iterdir()) == ["towernet-none-seed0", "towernet-simam-seed0"]
    for trial in (study / "trials").iterdir():
        config = json.loads((trial / "config.json").read_text())
        assert (config["seed"], config["epochs"], config["checkpoint"]["best_above"]) == (0, 1, -1.0)
        assert config["model"]["attention"] == trial.name.split("-")[1]
        assert {path.name for path in (trial / "eval" / "eval").iterdir()} == {"best", "latest"}
    results = json.loads((study / "results.json").read_text())
    assert [each["attention"] for each in results["variants"]] == ["none", "simam"]
    none, simam = results["variants"]
    assert simam["parameters"] == none["parameters"] > 1e6
    assert min(simam["train_ms_per_image"], simam["inference_ms_per_image"], simam["peak_bytes"]) > 0
    assert [trial["state"] for each in results["variants"] for trial in each["trials"]] == ["done", "done"]
    assert results["lacking"] == []
    comparison = simam["comparison"]["best"]
    assert (comparison["seeds"], comparison["images"]) == ([0], 6)
    assert "too few seeds to test: 1 of at least 6" in (study / "results.md").read_text()
    sheets = sorted(path.relative_to(study).as_posix() for path in (study / "explanations").glob("*/*/sheet.png"))
    assert [sheet.split("/")[1] for sheet in sheets] == ["towernet-none"] * 3 + ["towernet-simam"] * 3
    for sheet in sheets:
        described = json.loads((study / sheet).with_name("description.json").read_text())
        assert described["explained"] == Path(described["image"]).parent.name


@pytest.mark.slow
def test_again_nothing_is_trained_and_more_is_added(study, arguments, capsys):
    before = {path: path.stat().st_mtime_ns for path in (study / "trials").rglob("*")}
    code, out, err = ended(capsys, "--study", study / "study.json", "--out", study)
    assert code == 0
    assert "2 trials: 2 done, 0 to do" in err
    assert "warning: 1 seed is too few to tell any difference from chance: 1 network with an attention is" in err
    assert out.startswith("# towernet: none, simam\n")
    assert before == {path: path.stat().st_mtime_ns for path in (study / "trials").rglob("*")}
    code, _, err = ended(capsys, *arguments, "--config.data.cache_gb=1", "--out", study, "--config.batch_size=4")
    assert code == 2
    assert "is a study of another config, which differs in batch_size (8 there, 4 here)" in err
