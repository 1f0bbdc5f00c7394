"""Which trials are trained by one process."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simam_jax.studies.groups import group_name, group_trials, train_command
from simam_jax.studies.study import Study
from simam_jax.studies.trials import list_trials

STUDY = Study(
    config="c.py",
    data="",
    models=("towernet", "resnet18"),
    attentions=("none", "simam", "simam:e_lambda=0.1", "se"),
    seeds=3,
    epochs=1,
)


@pytest.mark.parametrize("most", [1, 2, 4, 100])
def test_every_trial_is_in_one_group(most):
    trials = list_trials(STUDY, Path("study"))
    groups = group_trials(trials, most)
    assert sorted(trial.name for group in groups for trial in group) == sorted(trial.name for trial in trials)
    assert max(map(len, groups)) <= most
    assert len({group_name(group) for group in groups}) == len(groups)
    if most == 1:
        assert [group[0] for group in groups] == trials


def test_seeds_and_lambda_share_a_program_and_nothing_else():
    groups = group_trials(list_trials(replace(STUDY, models=("towernet",)), Path("study")), 4)
    named = {group_name(group): [trial.name.removeprefix("towernet-") for trial in group] for group in groups}
    assert named == {
        "towernet-none-seed0+2": ["none-seed0", "none-seed1", "none-seed2"],
        "towernet-simam-seed0+3": [
            "simam-seed0",
            "simam-e_lambda=0.1-seed0",
            "simam-seed1",
            "simam-e_lambda=0.1-seed1",
        ],
        "towernet-se-seed0+2": ["se-seed0", "se-seed1", "se-seed2"],
        "towernet-simam-seed2+1": ["simam-seed2", "simam-e_lambda=0.1-seed2"],
    }


def test_more_seeds_leave_the_groups_that_there_are():
    few, many = (group_trials(list_trials(replace(STUDY, seeds=seeds), Path("study")), 4) for seeds in (2, 8))
    assert {group for group in few if len(group) == 4} <= set(many)


def test_one_is_trained_by_main_and_several_by_one_program():
    first, second, *_ = list_trials(replace(STUDY, attentions=("none",)), Path("study"))
    assert train_command([first], STUDY)[1:4] == ("-m", "simam_jax.main", "--config")
    *program, config, jobs = train_command([first, second], STUDY)
    assert program[1:] == ["-m", "simam_jax.studies.together"]
    assert config == "c.py"
    assert [job["workdir"] for job in json.loads(jobs)] == [str(first.run), str(second.run)]
    assert [job["overrides"][-3] for job in json.loads(jobs)] == ["--config.seed=0", "--config.seed=1"]
