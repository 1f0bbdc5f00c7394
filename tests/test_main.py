import json

import pytest
from tiny_network import use_tiny_network

from simam_jax import command
from simam_jax.data.preparation import prepare
from simam_jax.main import main


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "digits"
    prepare("digits", folder, classes="0,1")
    return folder


@pytest.fixture
def arguments(root, digits, tmp_path):
    return [
        "--config", f"{root}/configs/towernet.py:digits", f"--config.data.dir={digits}", "--config.epochs=1",
        "--workdir", str(tmp_path / "run"),
    ]  # fmt: skip


def test_a_short_run_and_its_folder(arguments, tmp_path, capsys):
    words = [*arguments, "--config.data.val_fraction=0.1", "--config.log_every=4", "--config.checkpoint.best_above=0.0"]
    assert command.run(main, words) == 0
    printed = capsys.readouterr()
    assert "best acc is" in printed.out
    assert "epoch 0: train loss" in printed.err
    run = tmp_path / "run"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    kinds = [next(name.split("/")[0] for name in line if "/" in name) for line in lines]
    assert kinds == ["train", "train", "train", "val", "eval"]
    assert [line["step"] for line in lines] == [4, 8, 9, 9, 9]
    assert set(lines[0]) == {
        "step", "epoch", "time", "train/loss", "train/accuracy", "train/learning_rate", "train/grad_norm",
        "train/images_per_second",
    }  # fmt: skip
    assert set(lines[-1]) >= {"eval/loss", "eval/accuracy", "eval/top5", "eval/balanced_accuracy"}
    facts = json.loads((run / "run.json").read_text())
    assert facts["classes"] == ["0", "1"]
    assert facts["parameters"] == 1_358_578
    assert list(run.glob("events.out.tfevents.*"))


def test_a_loss_that_is_no_number_stops_the_run(arguments, tmp_path, capsys, monkeypatch):
    use_tiny_network(monkeypatch)
    assert command.run(main, [*arguments, "--config.schedule.learning_rate=1e30"]) == 3
    assert "step" in capsys.readouterr().err
    checkpoints = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert checkpoints == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config.epohs=3"], "the nearest is --config.epochs"),
        (["--config.batch_size=3"], "batch_size must divide among 2 devices, got 3: take 2 or 4"),
        (["--config.batch_size=1000"], "batch_size must be between 1 and the number of training images"),
        (["--config.model.attention=simm"], "config.model: unknown attention 'simm'"),
        (["--config.model.num_classes=5"], "num_classes is 5 where the data has 2 classes"),
        (["--config.data.image_size=64"], "config.model: TowerNet halves its images seven times"),
        (["--config.schedule.name=steps"], "config.schedule: unknown schedule"),
        (["--config.schedule.name=step"], "config.schedule: milestones are missing"),
        (["--config.optimizer.name=adam"], "config.optimizer: unknown optimizer"),
        (
            ["--config.checkpoint.best_metric=loss"],
            "best_metric is one of accuracy, balanced_accuracy, top5, got 'loss'",
        ),
        (["--config.checkpoint.every_epochs=0"], "every_epochs must be at least 1, got 0"),
        (["--config.seed=-1"], "config.seed must be at least 0, got -1"),
        (["--config.seed=4294967296"], "config.seed must be below 2**32"),
        (["--config.log_every=-1"], "config.log_every must be at least 0"),
        (["--config.data.workers=-5"], "config.data.workers must be at least -1"),
        (["--config.data.cache_gb=-1"], "config.data.cache_gb must be at least 0"),
        (["--lost-after=0"], "--lost-after must be at least 1 second, got 0"),
        # Before the data is looked for.
        (["--config.data.dir=/nowhere", "--config.augment.rotation=-3"], "config.augment: rotation"),
        (["--config.data.dir=/nowhere", "--config.epochs=0"], "config.epochs must be at least 1, got 0"),
        (["--config.data.dir=/nowhere", "--config.model.name=towrnet"], "config.model: unknown network 'towrnet'"),
        (["--config.data.on_bad_record=x"], "config.data: on_bad_record"),
        (["--config.data.dir=/nowhere", "--config.data.source=x"], "configs/towernet.py:digits"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(arguments, tmp_path, capsys, words, message):
    assert command.run(main, [*arguments, *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_run_is_left_alone(arguments, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    assert command.run(main, arguments) == 2
    assert "is no run and not empty" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("place", ["a_file", "a_file/run"])
def test_a_folder_that_cannot_be_made(arguments, tmp_path, capsys, place):
    (tmp_path / "a_file").write_text("mine")
    assert command.run(main, [*arguments[:-1], str(tmp_path / place)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: cannot make the run's folder"), "before anything is built, of which the log speaks"
    assert error.count("\n") == 1


def test_the_best_is_called_by_its_metric(arguments, capsys, monkeypatch):
    use_tiny_network(monkeypatch)
    words = ["--config.checkpoint.best_metric=balanced_accuracy", "--config.checkpoint.best_above=0.0"]
    assert command.run(main, [*arguments, *words]) == 0
    assert "done: best balanced accuracy is" in capsys.readouterr().out
