"""What a step takes and moves on each of several devices, by XLA's own account."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simam_jax.profiling.scaling import reduced

# Ten steps are compiled, and their program is started once.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(python_environment):
    """By (network, devices, split)."""
    program = Path(__file__).with_name("steps_on_devices.py")
    done = subprocess.run(
        [sys.executable, program], env=python_environment, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    columns = {"layout": "parameters and momenta", "compiled": "the whole step", "all-reduce": "added up"}
    columns["all-gather"] = "gathered"
    print("\n\n| network | devices | split |", " | ".join(f"{title}, MB a device" for title in columns.values()), "|")
    print("|---|---|---|---|---|---|---|")
    for row in found:
        sizes = (f"{row[name] / 1e6:.3f}" if name in row else "" for name in columns)
        print("|", row["network"], "|", row["devices"], "|", row["split"], "|", " | ".join(sizes), "|")
    return {(row["network"], row["devices"], row["split"]): row for row in found}


@pytest.mark.parametrize(("network", "small"), [("towernet", 0.1), ("resnet18", 0.01), ("vgg19", 0.001)])
def test_what_is_large_is_divided_among_the_devices(rows, network, small):
    """All but a small part of the whole, which every device has."""
    whole = rows[network, 1, False]["layout"]
    assert rows[network, 8, False]["layout"] == whole
    for devices in (2, 4, 8):
        part = rows[network, devices, True]["layout"]
        assert whole / devices <= part < (1 / devices + small) * whole


def test_the_arrays_are_laid_out_so(rows):
    assert {network for network, *_ in rows if "live" in rows[network, 8, True]} == {"towernet"}
    for row in rows.values():
        assert row.get("live", row["layout"]) == row["layout"]


@pytest.mark.parametrize("network", ["towernet", "resnet18"])
def test_the_compiled_step_is_given_no_more(rows, network):
    def rest(split):
        return rows[network, 8, split]["given"] - rows[network, 8, split]["layout"]

    # A device's image and the batch statistics.
    assert rest(True) == rest(False) < 200_000


@pytest.mark.parametrize("network", ["towernet", "resnet18"])
@pytest.mark.parametrize("devices", [2, 4, 8])
def test_the_whole_step_takes_less_but_not_by_as_much(rows, network, devices):
    """Parameters that are split are there whole while it runs, and on a CPU so are the gradients."""
    whole, part = (rows[network, devices, split] for split in (False, True))
    fallen = (whole["compiled"] - part["compiled"]) / (whole["layout"] - part["layout"])
    assert 0.6 < fallen < 0.9


@pytest.mark.parametrize("network", ["towernet", "resnet18"])
@pytest.mark.parametrize("devices", [2, 4, 8])
@pytest.mark.parametrize("split", [False, True])
def test_all_reduces_add_up_what_the_cost_model_says(rows, network, devices, split):
    row = rows[network, devices, split]
    model = sum(reduced(parameters=row["parameters"], batch_stats=row["batch_stats"]))
    # Beside it the metrics, and of a split state the norm of each split gradient.
    assert 0 <= row["all-reduce"] - model < 200
    # A split state's parameters are gathered too, each once.
    assert (row["all-gather"] > 0) == split
    assert row["all-gather"] <= 4 * row["parameters"]
