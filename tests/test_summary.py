"""The command that shows a network's layers."""

import json
import subprocess
import sys

import pytest

from simam_jax import command, summary


def ended(capsys, *words) -> tuple[int, str, str]:
    code = command.run(summary.main, [str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_network_by_name(capsys):
    code, out, err = ended(capsys, "--model", "towernet", "--num-classes", "16")
    assert (code, err) == (0, "")
    assert "parameters        1,362,176" in out.splitlines()
    assert "batch statistics  1,408" in out.splitlines()
    assert ["attention3", "SimAM", "16×16×256", "0", "-"] in [line.split() for line in out.splitlines()]


def test_json(capsys):
    words = ["--model", "towernet", "--num-classes", "16", "--attention", "none", "--image-size", "128"]
    code, out, _ = ended(capsys, *words, "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert list(found) == ["model", "attention", "num_classes", "image_size", "convention", "layers", "totals"]
    assert (found["attention"], found["num_classes"], found["image_size"]) == ("none", 16, 128)
    assert list(found["totals"]) == ["parameters", "batch_stats", "multiply_adds", "flops", "activation_bytes"]
    assert found["totals"]["parameters"] == 1_362_176
    assert found["layers"][0]["path"] == "stage1/conv"
    assert found["layers"][0]["output_shape"] == [64, 64, 64]


def test_a_config_takes_its_classes_from_the_data(capsys, root, tiny_run):
    config = f"{root / 'configs' / 'towernet.py'}:{tiny_run.data}"
    code, out, _ = ended(capsys, "--config", config, "--config.data.image_size=128", "--format", "json")
    assert code == 0
    assert json.loads(out)["num_classes"] == 3
    assert json.loads(out)["image_size"] == 128


@pytest.mark.parametrize(
    ("config", "classes"),
    [
        ("towernet.py", 16),
        ("towernet.py:digits", 10),
        ("cifar.py", 10),
        ("cifar.py:resnet20@cifar100", 100),
        ("cifar.py:resnet20@tfds:cifar100:3.0.2", 100),
        ("imagenet.py", 1000),
    ],
)
def test_a_named_set_need_not_be_there(capsys, root, tmp_path, monkeypatch, config, classes):
    monkeypatch.chdir(tmp_path)
    code, out, err = ended(capsys, "--config", root / "configs" / config, "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["num_classes"] == classes


def test_a_config_without_data_says_what_to_give(capsys, root):
    config = f"{root / 'configs' / 'towernet.py'}:nowhere"
    code, out, err = ended(capsys, "--config", config)
    assert (code, out) == (2, "")
    assert err.endswith("nowhere is no prepared folder: give --config.model.num_classes=N\n")
    assert "1,362,176" in ended(capsys, "--config", config, "--config.model.num_classes=16")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one of the arguments --config --model is required"),
        (["--model", "towernet"], "--model needs --num-classes N"),
        (["--model", "towernet9", "--num-classes", "16"], "unknown network 'towernet9'"),
        (["--model", "towernet9"], "unknown network 'towernet9'"),
        (["--model", "towernet", "--num-classes", "0"], "num_classes must be a whole number from 1"),
        (["--model", "towernet", "--num-classes", "16", "--image-size", "64"], "at least 128x128"),
        (["--model", "resnet18", "--num-classes", "16", "--image-size", "0"], "at least 1 pixel, got 0"),
        (["--model", "resnet18", "--num-classes", "16", "--image-size", "-5"], "at least 1 pixel, got -5"),
        (["--config", "configs/cifar.py", "--config.data.image_size=0"], "at least 1 pixel, got 0"),
        (["--config", "configs/cifar.py:resnt20@nowhere"], "unknown network 'cifar_resnt20'"),
        (["--config", "configs/towernet.py:nowhere", "--config.model.attention=x"], "unknown attention 'x'"),
        (["--config", "configs/cifar.py:resnet20@tfds:mine"], "tfds:mine is no prepared folder: give --config.model."),
        (["--model", "towernet", "--num-classes", "16", "--attention", "x"], "unknown attention 'x'"),
        (["--model", "towernet", "--num-classes", "16", "--config.seed=1"], "unrecognised argument '--config.seed=1'"),
        (["--config", "c.py", "--num-classes", "16"], "say --config.model.num_classes"),
        (["--config", "c.py"], "no config file c.py"),
    ],
)
def test_usage_errors_are_one_line(capsys, root, monkeypatch, words, said):
    monkeypatch.chdir(root)
    code, out, err = ended(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_it_starts_without_what_training_needs(root, python_environment):
    program = (
        "import sys; from simam_jax import summary; "
        f"summary.main(['--config', {str(root / 'configs' / 'towernet.py')!r}, '--config.model.num_classes=16']); "
        "sys.exit(' '.join({'tensorflow', 'orbax', 'grain', 'optax', 'clu'} & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], env=python_environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
