"""What ends a study and what does not, by tasks that are not run but said to have ended."""

import errno
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from finished_study import CLASSES, IMAGES, counted, finish_study, finish_trial

from simam_jax.errors import Stopped, StorageError, UsageError
from simam_jax.studies import conduct as conducting
from simam_jax.studies.conduct import conduct
from simam_jax.studies.executor import Executor
from simam_jax.studies.study import write_study
from simam_jax.studies.trials import list_trials

NAMES = [f"towernet-{attention}-seed{seed}" for seed in range(2) for attention in ("none", "simam")]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Conducts a study of four trials; every task ends well but for those that are told otherwise."""
    plan = finish_study(tmp_path / "whole", seeds=2)
    folder = tmp_path / "study"
    trials = {trial.name: trial for trial in list_trials(plan.study, folder)}
    monkeypatch.setattr(conducting, "plan", lambda study: plan)
    monkeypatch.setattr(conducting, "count_costs", counted)

    def run(ends: Mapping[str, int | Callable[[], int]]) -> dict:
        def work(tasks, report, signals, hold):
            for task in tasks:
                task.log.parent.mkdir(parents=True, exist_ok=True)
                task.log.write_text(f"error: the reason of {task.name}\n")
                end = ends.get(task.name, 0)
                code = end() if callable(end) else end
                if code == 0 and task.name in trials:
                    finish_trial(trials[task.name], 0.0, np.arange(IMAGES) % len(CLASSES))
                report(task, code)
                if signals.received:
                    raise Stopped("stopped by SIGTERM", exit_code=75)

        return conduct(plan.study, folder, Executor(work, work))

    run.folder, run.trials, run.study = folder, trials, plan.study  # type: ignore[attr-defined]
    return run


def states(results: dict) -> list[str]:
    return [trial["state"] for variant in results["variants"] for trial in variant["trials"]]


def test_a_config_that_no_trial_can_use_ends_the_study(run):
    with pytest.raises(UsageError, match=f"^{NAMES[0]}: the reason of {NAMES[0]}$"):
        run({NAMES[0]: 2, "costs of towernet-none": 2})
    assert not (run.folder / "results.json").exists()


def test_the_command_put_right_goes_on_in_the_same_folder(run):
    write_study(run.folder, replace(run.study, fields={"epochs": 3}))
    costs = run.folder / "costs" / "towernet-none.json"
    costs.parent.mkdir()
    costs.write_text('{"train_ms_per_image": 1, "inference_ms_per_image": 1, "peak_bytes": 1, "device": "d"}')
    results = run({})
    assert states(results) == ["done"] * 4
    assert results["variants"][0]["train_ms_per_image"] is None
    write_study(run.folder, replace(run.study, fields={"epochs": 3}))
    for trial in run.trials.values():
        (trial.run / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="is a study of another config"):
        run({})


def test_what_is_wrong_with_one_trial_ends_no_other(run):
    """Its folder was there before, or it has saved something: as where its checkpoint is damaged."""

    def saves() -> int:
        (run.trials[NAMES[1]].run / "checkpoints" / "10").mkdir(parents=True)
        return 2

    write_study(run.folder, run.study)
    run.trials[NAMES[0]].run.mkdir(parents=True)
    results = run({NAMES[0]: 2, NAMES[1]: saves, NAMES[2]: 4})
    assert states(results) == ["missing", "missing", "missing", "done"]
    for name in NAMES[:2]:
        shutil.rmtree(run.trials[name].run)
    assert states(run({})) == ["done"] * 4


def test_a_full_disk_ends_the_study_and_what_is_finished_has_results(run, monkeypatch):
    monkeypatch.setattr(conducting, "has_room", lambda folder, size: False)
    with pytest.raises(StorageError, match=NAMES[3]):
        run({NAMES[3]: 4})
    results = json.loads((run.folder / "results.json").read_text())
    assert states(results) == ["done", "done", "done", "missing"]


def test_costs_and_pictures_withhold_nothing(run, monkeypatch, log):
    monkeypatch.setattr(conducting, "has_room", lambda folder, size: False)
    with log.at_level("WARNING", logger="simam_jax"):
        results = run({"costs of towernet-none": 4, "costs of towernet-simam": 2})
    assert states(results) == ["done"] * 4
    assert [each["what"] for each in results["lacking"]] == ["costs", "costs"]
    assert "costs of towernet-none ended with 4: the reason of costs of towernet-none" in log.text


def test_what_is_finished_when_a_signal_comes_has_results(run):
    def stops() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 75

    with pytest.raises(Stopped) as stop:
        run({NAMES[2]: stops})
    assert stop.value.exit_code == 75
    results = json.loads((run.folder / "results.json").read_text())
    assert states(results) == ["done", "missing", "done", "missing"]


def test_a_signal_ends_what_only_computes_at_once(run, monkeypatch):
    def assemble(*_):
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it went on")

    monkeypatch.setattr(conducting, "assemble", assemble)
    with pytest.raises(Stopped, match="stopped by SIGINT") as stop:
        run({})
    assert stop.value.exit_code == 130


def test_a_file_system_without_locks_is_said_and_used(run, monkeypatch, log):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with log.at_level("WARNING", logger="simam_jax"):
        assert states(run({})) == ["done"] * 4
    assert "study cannot be locked (No locks available): see that no other command works in it" in log.text


def test_a_study_that_is_at_work_is_refused(run):
    run.folder.mkdir()
    with (run.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another compare, or a trial that it left, is at work in"):
            run({})


def test_too_few_seeds_are_said_before_anything_runs(run, log):
    with log.at_level("WARNING", logger="simam_jax"), pytest.raises(UsageError):
        run({NAMES[0]: 2})
    assert (
        "warning: 2 seeds are too few to tell any difference from chance: 1 network with an attention is compared, and "
        "no p that is corrected for that can be below 0.5; 6 seeds are the fewest that could"
    ) in log.text
