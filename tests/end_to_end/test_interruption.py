"""A run ends with the same bits however it was interrupted."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_process import begin, finish, wait_for
from run_comparison import assert_same_end

from simam_jax.data.preparation import prepare

EPOCHS = 4

# Of what compiles and trains fast.
SMALL = ("--config.model.name=cifar_resnet20", "--config.data.image_size=32")


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "digits"
    prepare("digits", folder, classes="0,1")
    return folder


@pytest.fixture
def start(root, digits, python_environment):
    """Starts `simam_jax.main` in a process of its own."""

    def start(workdir: Path, *overrides: str) -> subprocess.Popen:
        command = [
            sys.executable, "-m", "simam_jax.main", "--config", f"{root}/configs/towernet.py:digits",
            f"--config.data.dir={digits}", f"--config.epochs={EPOCHS}", "--workdir", str(workdir), *overrides,
        ]  # fmt: skip
        return begin(command, python_environment)

    return start


def is_saving(run: Path) -> bool:
    """Whether a checkpoint is being written: Orbax names it so until it is whole."""
    return any("tmp" in path.name for path in (run / "checkpoints").glob("*"))


def saved_steps(run: Path) -> list[str]:
    return [path.name for path in (run / "checkpoints").glob("*") if path.name.isdecimal()]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs") / "uninterrupted"


def run_uninterrupted(start, run: Path, *overrides: str) -> None:
    if not (run / "done").exists():
        finish(start(run, *overrides))
        (run / "done").touch()


def test_kill_and_sigterm_lose_nothing(start, uninterrupted, tmp_path):
    run_uninterrupted(start, uninterrupted, *SMALL)
    run = tmp_path / "interrupted"
    process = start(run, *SMALL)
    wait_for(lambda: saved_steps(run), process)
    process.kill()
    process.communicate()

    process = start(run, *SMALL)
    before = set(saved_steps(run))
    wait_for(lambda: set(saved_steps(run)) - before, process)
    process.send_signal(signal.SIGTERM)  # in the next epoch
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 75, output
    assert "everything is saved; go on with: python -m simam_jax.main --config" in output

    output = finish(start(run, *SMALL))
    assert "going on from step" in output
    assert_same_end(run, uninterrupted)
    assert "done: best acc is" in finish(start(run, *SMALL))


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_before_the_first_step_ends_the_run_at_once(start, tmp_path, number, exit_code):
    process = start(tmp_path / "run")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("run: ")  # after which it builds and compiles
    time.sleep(1)
    process.send_signal(number)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == exit_code, output
    (line,) = [line for line in output.splitlines() if "stopped by" in line]
    assert line == f"stopped by {number.name} before the first step; nothing is lost: run the same command again"
    assert "Traceback" not in output
    assert not (tmp_path / "run").exists()


def hears(process: subprocess.Popen, number: signal.Signals) -> bool:
    """Whether it has a handler for the signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_signal_while_jax_is_being_imported_ends_the_run_at_once(start, tmp_path):
    began = time.monotonic()
    process = start(tmp_path / "run")
    wait_for(lambda: hears(process, signal.SIGTERM), process)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 75, output
    assert output == "stopped by SIGTERM before the first step; nothing is lost: run the same command again\n"
    assert time.monotonic() - began < 60


@pytest.mark.slow
def test_notices_that_keep_coming_change_nothing(start, tmp_path):
    """While it saves, while it closes its files, and while the interpreter ends."""
    process = start(tmp_path / "run", "--config.epochs=100")
    wait_for(lambda: saved_steps(tmp_path / "run"), process)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.002)
    output = process.communicate()[0]
    assert process.returncode == 75, output
    assert output.splitlines()[-1].startswith("stopped by SIGTERM at step "), output


WORKERS = ("--config.data.workers=2", "--config.data.cache_gb=0.0", "--config.checkpoint.best_above=0.0")


@pytest.mark.slow
def test_decoding_processes_leave_nothing_behind(start, tmp_path):
    output = finish(start(tmp_path / "run", *WORKERS, "--config.epochs=1"))
    last = output.splitlines()[-3:]
    assert last[0].startswith("epoch 0: train loss"), output
    assert [line.split(" is ")[0] for line in last[1:]] == ["best acc", "done: best acc"], output


def test_ctrl_c_at_the_terminal_is_one_line_with_decoding_processes_too(start, tmp_path):
    """The terminal sends it to all of them."""
    process = start(tmp_path / "run", *SMALL, *WORKERS)
    wait_for(lambda: saved_steps(tmp_path / "run"), process)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert output.splitlines()[-1].startswith("stopped by SIGINT at step "), output
    assert "Traceback" not in output
    assert "leaked" not in output


def test_a_run_of_another_config_is_refused(start, uninterrupted):
    run_uninterrupted(start, uninterrupted, *SMALL)
    process = start(uninterrupted, *SMALL, "--config.seed=1")
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 2
    assert "is a run of another config, which differs in seed (0 there, 1 here)" in output


@pytest.mark.slow
def test_killed_at_ten_moments(start, uninterrupted, tmp_path):
    """Ten runs, each killed once: at seven moments uniform over a run's time, and three times while it saves."""
    began = time.monotonic()
    shutil.rmtree(uninterrupted, ignore_errors=True)
    run_uninterrupted(start, uninterrupted)
    duration = time.monotonic() - began
    chance = random.Random(0)
    for trial in range(10):
        run = tmp_path / f"trial{trial}"
        process = start(run)
        moment = (trial + chance.random()) / 10 * duration
        if trial in (4, 6, 8):
            time.sleep(0.8 * moment)
            wait_for(lambda run=run: is_saving(run), process)
        else:
            time.sleep(moment)
        while_saving = is_saving(run)
        process.kill()
        process.communicate()
        steps = saved_steps(run)
        finish(start(run))
        assert_same_end(run, uninterrupted)
        print(f"killed at {moment:.1f} s of {duration:.1f}, saving: {while_saving}, checkpoints: {steps}: same bits")
