"""A study that is killed goes on with no trial lost or doubled."""

import csv
import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from command_process import begin, finish, wait_for
from run_comparison import assert_same_lines
from tiny_run import OVERRIDES

from simam_jax.studies.groups import train_command
from simam_jax.studies.study import read_study
from simam_jax.studies.trials import list_trials

NAMES = [f"towernet-{attention}-seed{seed}" for attention in ("none", "simam") for seed in range(2)]


@pytest.fixture
def start(root, tiny_run, python_environment):
    """Starts `simam_jax.compare` in a process of its own."""

    def start(folder: Path, *words: str) -> subprocess.Popen:
        config = f"{root}/configs/towernet.py:{tiny_run.data}"
        command = [
            sys.executable,
            "-m",
            "simam_jax.compare",
            "--config",
            config,
            "--out",
            str(folder),
            *(each for each in OVERRIDES if "best_above" not in each),
            *words,
        ]
        return begin(command, python_environment)

    return start


def saved(folder: Path, name: str) -> bool:
    return any(path.name.isdecimal() for path in (folder / "trials" / name / "checkpoints").glob("*"))


def wait_until_free(folder: Path) -> None:
    """Until the processes of a study that was killed have ended."""
    with (folder / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def lines(run: Path) -> list[dict]:
    every = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("time", "train/images_per_second")} for line in every]


def test_a_second_one_is_refused_and_a_stopped_one_says_how_to_go_on(start, tmp_path):
    study = tmp_path / "study"
    process = start(study, "--seeds", "1")
    wait_for((study / ".lock").exists, process)
    wait_for((study / "study.json").exists, process)
    assert f"another compare, or a trial that it left, is at work in {study}" in finish(start(study), 2)
    process.send_signal(signal.SIGINT)
    output = finish(process, 130)
    assert output.splitlines()[-1].startswith(
        "stopped by SIGINT; every trial is saved; go on with: python -m simam_jax.compare --config"
    )
    assert "Traceback" not in output
    wait_until_free(study)


@pytest.mark.slow
def test_killed_twice(start, tmp_path):
    """By SIGKILL in the first trial, which takes its trial with it, and by SIGTERM in the third."""
    study, whole = tmp_path / "study", tmp_path / "whole"
    finish(start(whole, "--seeds", "2"))

    process = start(study, "--seeds", "2")
    wait_for(lambda: saved(study, NAMES[0]), process)
    process.kill()
    process.communicate()
    wait_until_free(study)

    process = start(study, "--seeds", "2")
    wait_for(lambda: saved(study, NAMES[1]), process)
    process.send_signal(signal.SIGTERM)
    assert "every trial is saved; go on with: python -m simam_jax.compare" in finish(process, 75)

    output = finish(start(study, "--seeds", "2"))
    assert "4 trials: " in output
    assert sorted(path.name for path in (study / "trials").iterdir()) == sorted(NAMES)
    for name in NAMES:
        assert lines(study / "trials" / name) == lines(whole / "trials" / name)
    with (study / "results.csv").open(newline="") as file:
        ours = list(csv.DictReader(file))
    with (whole / "results.csv").open(newline="") as file:
        assert ours == list(csv.DictReader(file))
    assert [row["state"] for row in ours] == ["done"] * 4
    assert not (study / "trials" / NAMES[0] / ".view").exists()


@pytest.mark.slow
def test_a_trial_that_diverges_is_recorded_and_the_others_go_on(start, tmp_path):
    study = tmp_path / "study"
    wild = ("--seeds", "1", "--config.schedule.learning_rate=1e30")
    output = finish(start(study, *wild), 1)
    assert output.count("diverged and counts as such") == 2
    assert "- towernet with simam: diverged: seed 0" in (study / "results.md").read_text()
    output = finish(start(study, *wild), 1)
    assert "2 trials: 0 done, 2 diverged earlier, 0 to do" in output


@pytest.mark.slow
def test_two_at_a_time_and_after_a_crash(start, tmp_path):
    study = tmp_path / "study"
    process = start(study, "--seeds", "2", "--executor", "processes", "--jobs", "2")
    wait_for(lambda: any(saved(study, name) for name in NAMES), process)
    (victim,) = [int(pid) for name in NAMES if saved(study, name) for pid in trainers(study / "trials" / name)][:1]
    os.kill(victim, signal.SIGKILL)
    output = finish(process, 1)
    assert output.count("ended with -9") == 1
    assert output.count(": done, accuracy") == 3
    output = finish(start(study, "--seeds", "2"))
    assert "4 trials: 3 done, 1 to do" in output


@pytest.mark.slow
def test_seeds_at_once_are_killed_twice_and_end_as_main_would(start, python_environment, tmp_path):
    """By SIGTERM in the first program, of two seeds, and by SIGKILL in the second, of two seeds with two λ."""
    study = tmp_path / "study"
    asked = ("--seeds", "2", "--attentions", "none,simam,simam:e_lambda=0.1", "--seeds-at-once", "4")
    process = start(study, *asked)
    wait_for(lambda: saved(study, NAMES[1]), process)
    process.send_signal(signal.SIGTERM)
    finish(process, 75)
    assert not (study / "trials" / NAMES[2]).exists()

    process = start(study, *asked)
    wait_for(lambda: saved(study, NAMES[3]), process)
    process.kill()
    process.communicate()
    wait_until_free(study)

    assert "6 trials: " in finish(start(study, *asked))
    trials = list_trials(read_study(study / "study.json"), study)
    assert sorted(path.name for path in (study / "trials").iterdir()) == sorted(trial.name for trial in trials)
    with (study / "results.csv").open(newline="") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["done"] * 6
    for trial in (trials[0], trials[-1]):
        alone = replace(trial, study_folder=tmp_path / "alone")
        finish(begin(train_command([alone], read_study(study / "study.json")), python_environment))
        assert_same_lines(trial.run, alone.run, tolerance=1e-3)
        assert (trial.run / "config.json").read_text() == (alone.run / "config.json").read_text()


@pytest.mark.slow
def test_of_seeds_at_once_each_that_diverges_is_recorded(start, tmp_path):
    wild = ("--seeds", "2", "--seeds-at-once", "2", "--config.schedule.learning_rate=1e30")
    output = finish(start(tmp_path / "study", *wild), 1)
    assert output.count("diverged and counts as such: the ") == 4
    output = finish(start(tmp_path / "study", *wild), 1)
    assert "4 trials: 0 done, 4 diverged earlier, 0 to do" in output


def trainers(run: Path) -> list[str]:
    """The processes that train a run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"simam_jax.main" in words and str(run).encode() in words:
            found.append(path.parent.name)
    return found
