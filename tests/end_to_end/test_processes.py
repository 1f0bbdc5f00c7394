"""Several processes train as one does: the same states, the same lines, and the same end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from tiny_run import OVERRIDES

from simam_jax.training.checkpoints import Checkpoints
from simam_jax.training.mesh import create_mesh
from simam_jax.training.run_folder import RunFolder
from simam_jax.training.saved import saved_like

LOST_AFTER = 10


class Group:
    """`simam_jax.main` in several processes of this machine, each with so many virtual devices."""

    def __init__(self, root: Path, environment: dict, *, processes: int, devices: int, arguments: list[str]):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {**environment, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
        command = [sys.executable, "-m", "simam_jax.main", *arguments]
        if processes > 1:
            command += ["--coordinator", f"127.0.0.1:{port}", "--processes", str(processes)]
            command += ["--lost-after", str(LOST_AFTER)]
        self.processes = [
            subprocess.Popen(
                command + (["--process", str(i)] if processes > 1 else []),
                env=environment,
                cwd=root,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for i in range(processes)
        ]

    def end(self) -> list[tuple[int, str]]:
        """Exit code and output of each."""
        outputs = [process.communicate(timeout=600)[0] for process in self.processes]
        return [(process.returncode, output) for process, output in zip(self.processes, outputs, strict=True)]


@pytest.fixture
def start(root, python_environment, tiny_run):
    """Starts the tiny run's recipe in several processes, with more epochs if need be; they are killed in the end."""
    groups = []

    def start(workdir: Path, *overrides: str, processes: int, devices: int = 1, data: Path | None = None) -> Group:
        address = f"{root / 'configs' / 'towernet.py'}:{data or tiny_run.data}"
        arguments = ["--config", address, "--workdir", str(workdir), *OVERRIDES, *overrides]
        groups.append(Group(root, python_environment, processes=processes, devices=devices, arguments=arguments))
        return groups[-1]

    yield start
    for group in groups:
        for process in group.processes:
            process.kill()


def lines(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


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


def wait_for_lines(run: Path, count: int, group: Group) -> None:
    deadline = time.monotonic() + 600
    while not (run / "metrics.jsonl").exists() or len(lines(run)) < count:
        assert all(process.poll() is None for process in group.processes), group.end()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_same_lines(run: Path, other: Path, tolerance: float) -> None:
    ours, theirs = lines(run), lines(other)
    assert [(line["step"], line["epoch"], sorted(line)) for line in ours] == [
        (line["step"], line["epoch"], sorted(line)) for line in theirs
    ]
    for our, their in zip(ours, theirs, strict=True):
        for name in set(our) - {"time", "train/images_per_second"}:
            assert our[name] == pytest.approx(their[name], rel=tolerance, abs=tolerance), name


def test_two_processes_do_what_one_does(start, tiny_run, tmp_path):
    group = start(tmp_path / "run", "--config.mesh.shard_state=True", processes=2)
    (first, said), (second, whispered) = group.end()
    assert (first, second) == (0, 0), said + whispered
    assert said.splitlines()[-1].startswith("done: best acc is ")
    assert [line for line in whispered.splitlines() if "Gloo" not in line] == []
    assert_same_lines(tmp_path / "run", tiny_run.path, tolerance=1e-4)
    ours, theirs = states(tmp_path / "run"), states(tiny_run.path)
    assert ours.keys() == theirs.keys()
    for step in ours:
        assert difference(ours[step], theirs[step]) < 1e-3
    assert RunFolder(tmp_path / "run").facts()["devices"]["processes"] == 2


LONG = ("--config.epochs=200", "--config.log_every=1")


def stop_by_a_signal_to_one(start, run: Path) -> int:
    """The step at which both stopped."""
    group = start(run, *LONG, processes=2)
    wait_for_lines(run, 4, group)
    group.processes[1].send_signal(signal.SIGTERM)
    (first, said), (second, whispered) = group.end()
    assert (first, second) == (75, 75), said + whispered
    assert "stopped by a signal to another process at step " in said
    assert "everything is saved" in said
    checkpoints = Checkpoints(run / "checkpoints")
    try:
        return checkpoints.steps[-1]
    finally:
        checkpoints.close()


def test_a_signal_to_one_stops_all_at_one_step(start, tmp_path):
    stopped_at = stop_by_a_signal_to_one(start, tmp_path / "run")
    assert [line["step"] for line in lines(tmp_path / "run")][-1] == stopped_at


@pytest.mark.slow
def test_a_lost_process_ends_the_others(start, tmp_path):
    run = tmp_path / "run"
    stopped_at = stop_by_a_signal_to_one(start, run)
    group = start(run, *LONG, processes=2)
    wait_for_lines(run, len(lines(run)) + 6, group)
    began = time.monotonic()
    os.kill(group.processes[1].pid, signal.SIGKILL)
    (first, said), (second, _) = group.end()
    assert f"going on from step {stopped_at} of 600" in said
    assert second == -signal.SIGKILL
    assert first == 75, said
    assert f"error: lost process 1 (pid {group.processes[1].pid} on " in said.splitlines()[-1]
    assert time.monotonic() - began < LOST_AFTER + 20


def test_an_error_of_one_is_everybodys(start, tiny_run, tmp_path):
    """Each finds the same mistake; none waits for the others."""
    group = start(tmp_path / "run", "--config.batch_size=7", processes=2)
    for exit_code, said in group.end():
        assert exit_code == 2, said
        assert "batch_size must divide among 2 devices, got 7: take 6 or 8" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("shard", [False, True])
def test_every_topology_gives_the_same_states(start, tmp_path, shard):
    """One step, and an epoch of three, on 1 to 8 devices in 1 to 4 processes."""
    topologies = [(1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (2, 2), (2, 4), (4, 1), (4, 2)]
    found: dict[tuple[int, int], dict[int, State]] = {}
    for processes, devices in topologies:
        found[processes, devices] = {}
        # 24 images are one batch, and three.
        for batch, step in ((24, 1), (8, 3)):
            run = tmp_path / f"{processes}x{devices}-{batch}"
            settings = (f"--config.batch_size={batch}", "--config.eval_batch_size=8", "--config.epochs=1")
            sharding = f"--config.mesh.shard_state={shard}"
            group = start(run, *settings, sharding, processes=processes, devices=devices)
            for exit_code, said in group.end():
                assert exit_code == 0, said
            found[processes, devices][step] = states(run)[step]
    alone = found[1, 1]
    for (processes, devices), theirs in found.items():
        after = {step: difference(theirs[step], alone[step]) for step in alone}
        print(f"{processes} x {devices}, split {shard}: {after[1]:.1e} after one step, {after[3]:.1e} after an epoch")
        assert after[1] < 1e-5
        assert after[3] < 1e-3


@pytest.mark.slow
def test_resume_on_another_topology(start, tmp_path):
    """Saved on 4 devices, gone on with on 1, on 2 processes of 2, and with other workers."""
    settings = ("--config.epochs=4", "--config.log_every=1")
    whole = tmp_path / "whole"
    assert start(whole, *settings, processes=1, devices=4).end()[0][0] == 0
    for name, (processes, devices, extra) in {
        "1 x 1": (1, 1, ()),
        "2 x 2": (2, 2, ()),
        "2 x 2, split": (2, 2, ("--config.mesh.shard_state=True",)),
        "1 x 4, 2 workers": (1, 4, ("--config.data.workers=2", "--config.data.cache_gb=0.0")),
    }.items():
        run = tmp_path / name.replace(" ", "")
        group = start(run, *settings, processes=1, devices=4)
        wait_for_lines(run, 5, group)
        group.processes[0].send_signal(signal.SIGTERM)
        assert group.end()[0][0] == 75
        for exit_code, said in start(run, *settings, *extra, processes=processes, devices=devices).end():
            assert exit_code == 0, said
        assert_same_lines(run, whole, tolerance=2e-2)
        ours, theirs = states(run), states(whole)
        print(f"4 devices, then {name}: {difference(ours[12], theirs[12]):.1e} after 12 steps")
        assert difference(ours[12], theirs[12]) < 1e-2
