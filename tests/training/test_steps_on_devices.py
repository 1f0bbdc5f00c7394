"""With `mesh.shard_state` parameters and momenta take the less of each device, the more devices there are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def rows(python_environment):
    """By (network, devices, split)."""
    program = Path(__file__).with_name("sharded_memory.py")
    done = subprocess.run(
        [sys.executable, program], env=python_environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for row in found:
        print("sharded memory:", row)
    return {(row["network"], row["devices"], row["split"]): row for row in found}


@pytest.mark.parametrize(("network", "small"), [("towernet", 0.1), ("vgg19", 0.001)])
def test_what_is_large_is_divided_among_the_devices(rows, network, small):
    """All but a small part of the whole, which every device has."""
    whole = rows[network, 1, False]["layout"]
    assert rows[network, 8, False]["layout"] == whole
    for devices in (2, 4, 8):
        part = rows[network, devices, True]["layout"]
        assert whole / devices <= part < (1 / devices + small) * whole


def test_the_arrays_are_laid_out_so(rows):
    for (network, *_), row in rows.items():
        if network == "towernet":
            assert row["live"] == row["layout"]


def test_the_compiled_step_takes_no_more(rows):
    def state(split):
        row = rows["towernet", 8, split]
        return row["compiled"] - row["layout"]

    # What is left is a device's images and the batch statistics.
    assert state(True) == state(False) < 200_000
