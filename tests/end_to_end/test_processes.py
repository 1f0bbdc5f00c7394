"""Several processes train as one does: the same states, the same lines, and the same end."""

import json
import os
import re
import signal
import sys
import time
from collections import defaultdict
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


SLOW_TO_EXIT = """
import os, time
exit_at_once = os._exit
os._exit = lambda code: (time.sleep(3), exit_at_once(code))
"""


def test_an_error_of_one_is_everybodys(start, root, tmp_path):
    """Each finds the same mistake; none waits for the others, and the first does not cut off one that is slow."""
    (tmp_path / "sitecustomize.py").write_text(SLOW_TO_EXIT)
    slow = {1: {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}}
    group = start(tmp_path / "run", "--config.batch_size=7", processes=2, variables=slow)
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


# One device has other convolutions than several have, whose rounding is further apart than that of any topologies.
ALIKE = "--config.implementation=own"


def after_training(start, folder, shard: bool, processes: int, devices: int) -> dict[int, State]:
    """The states after one step and after an epoch of three: 24 images are one batch, and three."""
    found = {}
    for batch, step in ((24, 1), (8, 3)):
        run = folder / f"{processes}x{devices}-{batch}"
        settings = (f"--config.batch_size={batch}", "--config.eval_batch_size=8", "--config.epochs=1", ALIKE)
        sharding = f"--config.mesh.shard_state={shard}"
        for exit_code, said in start(run, *settings, sharding, processes=processes, devices=devices).end():
            assert exit_code == 0, said
        found[step] = states(run)[step]
    return found


_ALONE: dict[bool, dict[int, State]] = {}


@pytest.mark.slow
@pytest.mark.parametrize("shard", [False, True], ids=["whole", "split"])
@pytest.mark.parametrize(
    ("processes", "devices"), [(1, 2), (1, 4), (1, 8), (2, 1), (2, 2), (2, 4), (4, 1), (4, 2)], ids=lambda n: f"{n}"
)
def test_a_topology_gives_the_same_states(start, tmp_path, shard, processes, devices):
    """One step, and an epoch of three, against those of one device in one process."""
    if shard not in _ALONE:
        _ALONE[shard] = after_training(start, tmp_path, shard, 1, 1)
    ours = after_training(start, tmp_path, shard, processes, devices)
    after = {step: difference(ours[step], state) for step, state in _ALONE[shard].items()}
    print(
        f"{processes} x {devices}, split {shard}: {after[1]:.1e} after a step, {after[3]:.1e} after an epoch",
        flush=True,
    )
    assert after[1] < 1e-5
    assert after[3] < 1e-3


RECORDING = str(Path(__file__).with_name("recording_main.py"))


class Recorded:
    """Runs that note their batches in a folder."""

    def __init__(self, start, folder: Path):
        self._start, self._folder = start, folder

    def start(self, name: str, run: Path, *settings: str, processes: int, devices: int):
        folder = self._folder / name
        folder.mkdir(parents=True)
        return self._start(
            run,
            *settings,
            processes=processes,
            devices=devices,
            prefixes={i: [sys.executable, RECORDING] for i in range(processes)},
            variables={i: {"RECORD": str(folder / str(i))} for i in range(processes)},
        )

    def steps(self, name: str) -> dict[int, dict[int, str]]:
        """Of all processes together: step → place in the stream → digest; the last were read ahead for nobody."""
        found = defaultdict(dict)
        for file in (self._folder / name).iterdir():
            for line in map(json.loads, file.read_text().splitlines()):
                for place, digest in zip(line["index"], line["digest"], strict=True):
                    assert place not in found[place // 8], "seen twice"
                    found[place // 8][place] = digest
        return found


@pytest.mark.slow
def test_resume_on_another_topology(start, tmp_path):
    """Saved on 4 devices, gone on with on 1, on 2 processes of 2, and with other workers: the same 96 images."""
    settings = ("--config.epochs=4", "--config.log_every=1", ALIKE)
    recorded = Recorded(start, tmp_path / "batches")
    whole = tmp_path / "whole"
    assert recorded.start("whole", whole, *settings, processes=1, devices=4).end()[0][0] == 0
    expected = {step: places for step, places in recorded.steps("whole").items() if step < 12}
    assert [sorted(expected[step]) for step in range(12)] == [list(range(8 * step, 8 * step + 8)) for step in range(12)]
    for name, (processes, devices, extra) in {
        "1 x 1": (1, 1, ()),
        "2 x 2": (2, 2, ()),
        "2 x 2, split": (2, 2, ("--config.mesh.shard_state=True",)),
        "2 x 1, 1 worker each": (2, 1, ("--config.data.workers=1", "--config.data.cache_gb=0.0")),
        "1 x 4, 2 workers": (1, 4, ("--config.data.workers=2", "--config.data.cache_gb=0.0")),
    }.items():
        run = tmp_path / name.replace(" ", "")
        group = recorded.start(f"{run.name}-before", run, *settings, processes=1, devices=4)
        wait_for_lines(run, 5, group)
        group.processes[0].send_signal(signal.SIGTERM)
        ((exit_code, said),) = group.end()
        assert exit_code == 75, said
        stopped_at = int(re.search(r"stopped by SIGTERM at step (\d+) of 12", said)[1])
        again = recorded.start(f"{run.name}-after", run, *settings, *extra, processes=processes, devices=devices)
        for exit_code, said in again.end():
            assert exit_code == 0, said
        before, after = (recorded.steps(f"{run.name}-{part}") for part in ("before", "after"))
        assert min(after) == stopped_at
        taken = {step: before[step] if step < stopped_at else after[step] for step in range(12)}
        assert taken == expected, "each place of the stream once, and the same bits there"
        # Losses; of the weights some are near 0, and there rounding has grown for twelve steps.
        assert_same_lines(run, whole, tolerance=2e-2)
        apart = difference(states(run)[12], states(whole)[12])
        print(f"4 devices to step {stopped_at}, then {name}: the same 12 batches; {apart:.1e} after them", flush=True)
