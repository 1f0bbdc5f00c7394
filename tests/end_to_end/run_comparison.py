"""What two runs have in common: their lines, their checkpoints' bits, their states to rounding."""

import json
import re
from pathlib import Path

import jax
import numpy as np
import pytest

from simam_jax.training.checkpoints import Checkpoints
from simam_jax.training.mesh import create_mesh
from simam_jax.training.run_folder import RunFolder
from simam_jax.training.saved import saved_like


def lines(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def assert_same_end(run: Path, other: Path) -> None:
    """The same lines but for times, and the same bits in the same checkpoints."""
    assert _without_times(run) == _without_times(other)
    ours, theirs = Checkpoints(run / "checkpoints"), Checkpoints(other / "checkpoints")
    try:
        assert ours.steps == theirs.steps
        assert ours.best == theirs.best
        for step in ours.steps:
            assert ours.checksum(step) == theirs.checksum(step)
    finally:
        ours.close()
        theirs.close()


def assert_same_lines(run: Path, other: Path, tolerance: float) -> None:
    ours, theirs = lines(run), lines(other)
    assert [(line["step"], line["epoch"], sorted(line)) for line in ours] == [
        (line["step"], line["epoch"], sorted(line)) for line in theirs
    ]
    for our, their in zip(ours, theirs, strict=True):
        for name in set(our) - {"time", "train/images_per_second"}:
            assert our[name] == pytest.approx(their[name], rel=tolerance, abs=tolerance), name


State = dict[str, np.ndarray]


def states(run: Path) -> dict[int, State]:
    """Every checkpoint's leaves by name."""
    from simam_jax.inference.restore import _build
    from simam_jax.training.mesh import on_mesh

    folder = RunFolder(run)
    mesh = create_mesh()
    _, state_like = _build(run, folder.config(), num_classes=len(folder.facts()["classes"]))
    checkpoints = Checkpoints(folder.checkpoints)
    try:
        like = saved_like(on_mesh(state_like, mesh), mesh)
        loaded = {step: checkpoints.load(step, like)["state"] for step in checkpoints.steps}
    finally:
        checkpoints.close()
    return {
        step: {
            jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(state)
        }
        for step, state in loaded.items()
    }


def difference(ours: State, theirs: State) -> float:
    """The largest difference of two states, relative to the largest value of each leaf.

    A convolution's bias before a batch norm has a gradient of 0; what stands there, and in its momentum, is rounding
    and is held to 1e-4 by itself.
    """
    assert ours.keys() == theirs.keys()
    rounding = {name for name in theirs if re.search(r"stage\d'\]\['conv'\]\['bias'", name)}
    assert len(rounding) == 2 * 4
    for name in rounding:
        assert np.abs(ours[name] - theirs[name]).max() < 1e-4, name
    return max(
        float(np.abs(ours[name] - theirs[name]).max() / max(np.abs(theirs[name]).max(), 1e-30))
        for name in theirs.keys() - rounding
    )


def _without_times(run: Path) -> list[dict]:
    timed = ("time", "train/images_per_second")
    return [{name: value for name, value in line.items() if name not in timed} for line in lines(run)]
