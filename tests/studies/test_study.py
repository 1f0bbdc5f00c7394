"""What a study asks, and how a later call adds to it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simam_jax.errors import UsageError
from simam_jax.studies.arguments import parse_attentions
from simam_jax.studies.study import Study, drop_unbegun, join_earlier, read_study, write_study


def begin(folder: Path, study: Study) -> None:
    """Writes what a study leaves of which a trial has begun."""
    write_study(folder, study)
    trial = folder / "trials" / "towernet-none-seed0"
    trial.mkdir(parents=True)
    (trial / "config.json").touch()


STUDY = Study(
    config="c.py:digits",
    data="",
    models=("towernet",),
    attentions=("none", "simam"),
    seeds=3,
    epochs=4,
    fields={"epochs": 4, "schedule.milestones": [1, 2]},
    fingerprint="f",
)


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("none,simam", ("none", "simam")),
        ("none,simam:e_lambda=0.1,se", ("none", "simam:e_lambda=0.1", "se")),
        ("cbam:reduction=8,kernel_size=3,none", ("cbam:reduction=8,kernel_size=3", "none")),
        (" none , se:reduction=8,, gc:reduction=4", ("none", "se:reduction=8", "gc:reduction=4")),
    ],
)
def test_options_with_commas_stay_with_their_attention(text, specs):
    assert parse_attentions(text) == specs


@pytest.mark.parametrize("text", ["reduction=8,none", "none,reduction=8"])
def test_an_option_of_no_attention(text):
    with pytest.raises(UsageError, match="'reduction=8' is an option of no attention"):
        parse_attentions(text)


def test_a_study_file_is_read_as_it_was_written(tmp_path):
    write_study(tmp_path, STUDY)
    assert read_study(tmp_path / "study.json") == STUDY
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_a_study_file_by_hand_needs_only_a_config(tmp_path):
    (tmp_path / "mine.json").write_text('{"config": "c.py", "attentions": ["none", "se"]}')
    study = read_study(tmp_path / "mine.json")
    assert (study.attentions, study.seeds, study.models, study.executor) == (("none", "se"), 8, (), "serial")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is damaged"),
        ("[]", "it is no JSON object"),
        ("{}", "it has no config"),
        ('{"config": "c", "seed": 3}', "unknown field 'seed'"),
        ('{"config": "c", "seeds": "3"}', "seeds cannot be '3'"),
        ('{"config": "c", "seeds": true}', "seeds cannot be True"),
        ('{"config": "c", "models": "towernet"}', "models cannot be 'towernet'"),
        ('{"config": "c", "overrides": [1]}', r"overrides cannot be \[1\]"),
    ],
)
def test_a_bad_study_file(tmp_path, text, said):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_study(tmp_path / "bad.json")


def test_a_missing_study_file(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read the study .*: No such file"):
        read_study(tmp_path / "gone.json")


def test_networks_attentions_and_seeds_are_added(tmp_path):
    write_study(tmp_path, STUDY)
    more = replace(STUDY, models=("resnet18", "towernet"), attentions=("none", "se"), seeds=2, executor="processes")
    joined = join_earlier(more, tmp_path)
    assert joined.models == ("towernet", "resnet18")
    assert joined.attentions == ("none", "simam", "se")
    assert joined.seeds == 3
    assert joined.executor == "processes"


def test_an_attention_that_is_spelt_otherwise_is_the_earlier_one(tmp_path):
    write_study(tmp_path, replace(STUDY, attentions=("none", "simam:e_lambda=0.1", "se:reduction=16")))
    again = replace(STUDY, attentions=("none", "simam:e_lambda=1e-1", "simam", "se"))
    assert join_earlier(again, tmp_path).attentions == ("none", "simam:e_lambda=0.1", "se:reduction=16", "simam")


def test_another_config_is_refused_and_what_differs_is_named(tmp_path):
    begin(tmp_path, STUDY)
    other = replace(STUDY, epochs=5, fields={"epochs": 5, "schedule.milestones": [1, 2]})
    with pytest.raises(UsageError, match=r"another config, which differs in epochs \(4 there, 5 here\)$"):
        join_earlier(other, tmp_path)


def test_fields_that_an_older_study_lacks_say_what_its_trials_did(tmp_path):
    begin(tmp_path, STUDY)
    later = {"micro_batches": 1, "rematerialise": False, "data.resize_to": 0}
    asked = replace(STUDY, fields={**STUDY.fields, **later})
    assert join_earlier(asked, tmp_path) == asked
    with pytest.raises(UsageError, match=r"differs in micro_batches \(1 there, 2 here\)$"):
        join_earlier(replace(asked, fields={**asked.fields, "micro_batches": 2}), tmp_path)


def test_a_study_file_by_hand_may_lie_in_the_folder_of_its_study(tmp_path):
    (tmp_path / "study.json").write_text('{"config": "c.py", "attentions": ["none", "se"]}')
    asked = replace(read_study(tmp_path / "study.json"), fields=STUDY.fields, fingerprint="f")
    assert join_earlier(asked, tmp_path) == asked
    write_study(tmp_path, asked)
    assert join_earlier(asked, tmp_path) == asked


def test_other_data_are_refused(tmp_path):
    begin(tmp_path, STUDY)
    with pytest.raises(UsageError, match="other data"):
        join_earlier(replace(STUDY, fingerprint="g"), tmp_path)


def test_a_study_of_which_no_trial_has_begun_is_in_nobodys_way(tmp_path):
    """As one whose config no trial could use: its costs were measured, with another batch for all we know."""
    write_study(tmp_path, STUDY)
    costs = tmp_path / "costs" / "towernet-none.json"
    costs.parent.mkdir()
    costs.touch()
    drop_unbegun(replace(STUDY, seeds=5), tmp_path)
    assert costs.exists()
    for other in (replace(STUDY, fields={"epochs": 5}), replace(STUDY, fingerprint="g")):
        assert join_earlier(replace(other, attentions=("none", "se")), tmp_path).attentions == ("none", "se")
    drop_unbegun(other, tmp_path)
    assert not costs.exists()
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / "jobs.json").touch()  # a job may yet begin one
    with pytest.raises(UsageError, match="other data"):
        join_earlier(other, tmp_path)


def test_the_costs_of_a_study_that_has_begun_stay(tmp_path):
    begin(tmp_path, STUDY)
    (tmp_path / "costs").mkdir()
    drop_unbegun(replace(STUDY, fingerprint="g"), tmp_path)
    assert (tmp_path / "costs").exists()


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no study and not empty"):
        join_earlier(STUDY, tmp_path)
    assert json.dumps(STUDY.as_json())


def test_an_empty_folder_will_do(tmp_path):
    (tmp_path / ".lock").write_text("")
    assert join_earlier(STUDY, tmp_path) == STUDY
