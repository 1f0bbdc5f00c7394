"""Several processes train as one does: the same states, the same lines, and the same end."""

import os
import signal
import time
from pathlib import Path

import pytest
from process_group import LOST_AFTER, starter, wait_for_lines
from run_comparison import State, assert_same_lines, difference, lines, states

from simam_jax.training.checkpoints import Checkpoints
from simam_jax.training.run_folder import RunFolder


@pytest.fixture
def start(root, python_environment, tiny_run):
    with starter(root, python_environment, tiny_run) as start:
        yield start


def test_two_processes_do_what_one_does(start, tiny_run, tmp_path):
    group = start(tmp_path / "run", "--config.mesh.shard_state=True", processes=2)
    (first, said), (second, whispered) = group.end()
    assert (first, second) == (0, 0), said + whispered
    assert said.splitlines()[-1].startswith("done: best acc is ")
    # Gloo greets, and cannot be told not to.
    assert [line for line in whispered.splitlines() if "[Gloo]" not in line] == []
    assert "recoverable" not in said
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
    assert "stopped by SIGTERM to another process at step " in said
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


def test_unequal_devices_end_all(start, tmp_path):
    more = {1: {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}}
    for exit_code, said in start(tmp_path / "run", processes=2, variables=more).end():
        assert exit_code == 2, said
        assert "every process must have as many devices as the others; from the first on they have 1, 2" in said
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
