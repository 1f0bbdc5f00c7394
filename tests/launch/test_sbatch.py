"""The batch script with srun and scontrol stood in for; tests/cluster/slurm.sh runs it on a real Slurm."""

import re
import subprocess
from typing import NamedTuple

import pytest
from stand_in import StandIn, environment

JOB = {"SLURM_JOB_ID": "107", "SLURM_JOB_NAME": "plain", "SLURM_JOB_NODELIST": "n1", "SLURM_NTASKS": "2"}
TASK = {"SLURM_ARRAY_JOB_ID": "104", "SLURM_ARRAY_TASK_ID": "3"}


class Outcome(NamedTuple):
    exit_code: int
    printed: str
    said: str
    srun: list[str]
    scontrol: list[list[str]]


@pytest.fixture
def batch(root, tmp_path):
    def run(*arguments, exit_code=0, **variables):
        srun = StandIn(tmp_path / "bin", "srun", exit_codes=[exit_code])
        scontrol = StandIn(tmp_path / "bin", "scontrol")
        done = subprocess.run(
            ["bash", f"{root}/launch/slurm/train.sbatch", *arguments],
            env=environment(tmp_path / "bin", **JOB, **variables),
            capture_output=True,
            text=True,
            check=False,
        )
        (call,) = srun.calls
        return Outcome(done.returncode, done.stdout, done.stderr, call, scontrol.calls)

    return run


def test_the_command_and_its_echo(batch):
    outcome = batch("--config.epochs=3", CONFIG="mine.py:data/a", SLURM_CPUS_PER_TASK="4", SLURM_RESTART_COUNT="1")
    command = ".venv/bin/python -m simam_jax.main --config mine.py:data/a --workdir runs/plain --config.epochs=3"
    assert " ".join(outcome.srun).endswith(f" {command}")
    assert "job 107, start 2, on n1: 2 tasks of 4 CPUs" in outcome.printed
    assert "'mine.py:data/a'" in outcome.printed
    assert outcome.exit_code == 0
    assert outcome.scontrol == []


def test_a_task_of_an_array_has_a_seed_and_a_folder_of_its_own(batch):
    outcome = batch(**TASK)
    assert "--config.seed=3" in outcome.srun
    assert outcome.srun[outcome.srun.index("--workdir") + 1] == "runs/plain-seed3"


def test_75_goes_back_into_the_queue(batch):
    outcome = batch(exit_code=75)
    assert outcome.scontrol == [["requeue", "107"]]
    assert outcome.exit_code == 75


def test_75_requeues_one_task_of_an_array_and_not_all(batch):
    assert batch(exit_code=75, **TASK).scontrol == [["requeue", "104_3"]]


@pytest.mark.parametrize("exit_code", [134, 137, 253])
@pytest.mark.parametrize("restarts", ["", "1"])
def test_a_killed_task_goes_back_into_the_queue(batch, exit_code, restarts):
    outcome = batch(exit_code=exit_code, RESTARTS="2", **({"SLURM_RESTART_COUNT": restarts} if restarts else {}))
    assert outcome.scontrol == [["requeue", "107"]]
    assert outcome.exit_code == exit_code


def test_a_task_that_is_killed_each_time_does_not_go_back_for_ever(batch):
    outcome = batch(exit_code=137, RESTARTS="2", SLURM_RESTART_COUNT="2")
    assert outcome.scontrol == []
    assert outcome.exit_code == 137
    assert "not requeued after 2 restarts, of RESTARTS=2" in outcome.said


def test_preemptions_are_not_limited(batch):
    assert batch(exit_code=75, RESTARTS="2", SLURM_RESTART_COUNT="30").scontrol == [["requeue", "107"]]


@pytest.mark.parametrize("exit_code", [1, 2, 3, 4, 130, 143])
def test_other_codes_end_the_job(batch, exit_code):
    outcome = batch(exit_code=exit_code)
    assert outcome.exit_code == exit_code
    assert outcome.scontrol == []


def test_the_notice_comes_to_the_tasks_and_the_job_may_be_requeued(root):
    options = re.findall(r"^#SBATCH (\S+)", (root / "launch/slurm/train.sbatch").read_text(), re.MULTILINE)
    assert "--requeue" in options
    assert "--open-mode=append" in options, "a requeued job would write over what it printed before"
    (signal,) = [option for option in options if option.startswith("--signal=")]
    assert re.fullmatch(r"--signal=TERM@\d+", signal), "with B: it would come to the script, which does not save"
