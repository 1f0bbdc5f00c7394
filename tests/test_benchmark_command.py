"""The command benchmark, from its options to its file."""

import ast
import json
import os
import subprocess
import sys

import pytest

from simam_jax import benchmark, command
from simam_jax.benchmarking import field
from simam_jax.benchmarking.plan import Budget
from simam_jax.benchmarking.suites.step import StepCase, exchanged, loss_differences

FIELDS = ["suite", "case", "who", "dtype", "median_s", "min_s", "max_s", "n", "ratio_to_ours", "limit_fraction"]


def ended(capsys, *words) -> tuple[int, str, str]:
    code = command.run(benchmark.main, [str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def without_torch(tmp_path):
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'torch'\" >&2\nexit 1\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: --suite"),
        (["--suite", "speed"], "unknown suite 'speed': it is one of step, attention, input, start, memory, all"),
        (["--suite", "step", "--json", "/nowhere/x.json"], "--json /nowhere/x.json cannot be written: No such file"),
        (["--suite", "step", "--json", "/tmp"], "--json /tmp cannot be written: /tmp is a folder"),
        (["--suite", "step", "--peer-python", "/nowhere/python"], "--peer-python /nowhere/python cannot be run"),
        (["--suite", "input", "--data", "/nowhere"], "--data /nowhere has no class folders"),
    ],
)
def test_wrong_usage_is_one_line_before_anything_is_measured(capsys, words, said):
    code, out, err = ended(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_peer_without_torch(capsys, without_torch):
    code, _, err = ended(capsys, "--suite", "step", "--peer-python", without_torch)
    assert code == 2
    assert err == f"error: --peer-python {without_torch} cannot import torch and numpy: " + (
        "ModuleNotFoundError: No module named 'torch'\n"
    )


def test_a_package_without_the_peers_programs(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(field, "PEERS", tmp_path)
    code, _, err = ended(capsys, "--suite", "step", "--peer-python", sys.executable)
    assert code == 2
    assert "in benchmarks/ of a checkout and not in an installed package" in err


def test_attention_end_to_end(python_environment, tmp_path):
    file = tmp_path / "attention.json"
    words = ["--suite", "attention", "--small", "--json", str(file)]
    program = [sys.executable, "-m", "simam_jax.benchmark", *words]
    found = subprocess.run(program, env=python_environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "error" not in found.stderr
    result = json.loads(file.read_text())
    assert list(result) == ["machine", "rows"]
    machine = result["machine"]
    assert {"platform", "device_kind", "cores", "versions", "date"} <= machine.keys()
    assert {"jax", "flax", "python"} <= machine["versions"].keys()
    assert [row["who"] for row in result["rows"]] == ["ours", "stock Flax", "limit: copy"] * 2
    for row in result["rows"]:
        assert list(row) == FIELDS
        assert 0 < row["min_s"] <= row["median_s"] <= row["max_s"]
        assert row["n"] == 3
        assert row["limit_fraction"] > 0
    assert result["rows"][0]["ratio_to_ours"] == 1
    assert found.stdout.splitlines()[0].split()[:4] == ["suite", "case", "who", "dtype"]
    assert list(tmp_path.iterdir()) == [file]


def test_measuring_needs_no_more_than_jax_flax_and_optax(python_environment):
    program = (
        "import sys; from simam_jax.benchmarking import report, serve; "
        "from simam_jax.benchmarking.jobs import attention, limit, step; "
        "heavy = {'tensorflow', 'grain', 'clu', 'ml_collections', 'PIL', 'cv2', 'sklearn'} & set(sys.modules); "
        "sys.exit(' '.join(heavy) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], env=python_environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_peers_do_not_import_this_package(root):
    for path in (root / "benchmarks").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "simam_jax"], path


@pytest.mark.parametrize(
    ("network", "size", "batch"), [("cifar_resnet20", 32, 4), ("towernet", 128, 4), ("resnet50", 64, 8)]
)
def test_pytorchs_losses_are_ours(network, size, batch):
    python = os.environ.get("SIMAM_JAX_TORCH_PYTHON")
    if not python:
        pytest.skip("SIMAM_JAX_TORCH_PYTHON does not name an interpreter that has torch")
    case = StepCase(network, "simam", "float32", size, batch)
    with field.take_the_field(python) as contestants, exchanged(contestants, case, Budget(300.0)) as exchange:
        assert exchange is not None
        facts = {
            each.who: each.prepare(case.spec("step", exchange), timeout=300.0)
            for each in (contestants.ours, contestants.peers[0])
        }
    assert loss_differences(facts)["PyTorch eager"] < 1e-3
    assert len(set(facts["ours"]["losses"])) == 5
