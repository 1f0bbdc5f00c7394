"""Results put together from the folders of trials."""

import csv
import json
import shutil

import numpy as np
import pytest
from finished_study import BEST_EPOCH, EPOCHS, counted, finish_study

from simam_jax.data.corruption import CORRUPTIONS
from simam_jax.errors import UsageError
from simam_jax.reporting.study_files import write_results
from simam_jax.studies.results import assemble, costs_file, trial_state
from simam_jax.studies.trials import Variant, list_trials, record_divergence


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study's folder, its plan and its results."""
    folder = tmp_path_factory.mktemp("study")
    plan = finish_study(folder)
    file = costs_file(folder, Variant("towernet", "simam"))
    file.parent.mkdir()
    file.write_text('{"train_ms_per_image": 2.5, "inference_ms_per_image": 0.5, "peak_bytes": 7000000, "device": "d"}')
    return folder, plan, assemble(plan, folder, counted(plan))


def test_every_trial_has_its_figures(finished):
    folder, plan, results = finished
    assert [each["attention"] for each in results["variants"]] == ["none", "simam"]
    for variant in results["variants"]:
        assert [trial["seed"] for trial in variant["trials"]] == list(range(6))
        for trial in variant["trials"]:
            assert (trial["state"], trial["best"]["epoch"], trial["last"]["epoch"]) == ("done", BEST_EPOCH, EPOCHS - 1)
            metrics = json.loads((folder / trial["run"] / "eval" / "eval" / "best" / "metrics.json").read_text())
            assert trial["best"]["accuracy"] == metrics["accuracy"]
            assert trial["robustness"]["clean"] == metrics["accuracy"]
            assert set(trial["robustness"]) == {"clean", *CORRUPTIONS}
    assert results["study"] == plan.study.as_json()
    assert results["data"]["counts"]["eval"] == {"a": 30, "b <i>": 30, "c": 30}


def test_the_comparison_is_that_of_the_figures(finished):
    _, _, results = finished
    none, simam = results["variants"]
    assert none["comparison"] == {"best": None, "last": None, "robustness": None}
    for which in ("best", "last"):
        expected = np.mean(
            [t[which]["accuracy"] - u[which]["accuracy"] for t, u in zip(simam["trials"], none["trials"], strict=True)]
        )
        found = simam["comparison"][which]["accuracy"]
        assert found["paired"]["difference"] == pytest.approx(expected)
        assert found["paired"]["variant"] == tuple(trial[which]["accuracy"] for trial in simam["trials"])
        assert simam["comparison"][which]["calibration_error"]["paired"]["variant"] == pytest.approx(
            [trial[which]["calibration_error"] for trial in simam["trials"]]
        )
        assert found["verdict"]["outcome"] == "better"
    robustness = simam["comparison"]["robustness"]
    assert list(robustness) == [*CORRUPTIONS, "all"]
    blurred = [np.mean(list(trial["robustness"]["blur"].values())) for trial in simam["trials"]]
    assert robustness["blur"]["accuracy"]["paired"]["variant"] == pytest.approx(blurred)
    everything = [np.mean([list(t["robustness"][name].values()) for name in CORRUPTIONS]) for t in simam["trials"]]
    assert robustness["all"]["accuracy"]["paired"]["variant"] == pytest.approx(everything)


def test_costs_and_how_far_training_had_come(finished):
    _, _, results = finished
    none, simam = results["variants"]
    assert (simam["parameters"], simam["train_ms_per_image"], none["train_ms_per_image"]) == (1000, 2.5, None)
    assert simam["last_epochs_loss_change"] == pytest.approx(-0.5)


def test_the_files(finished):
    folder, _, results = finished
    write_results(folder, results)
    assert json.loads((folder / "results.json").read_text()) == json.loads(json.dumps(results))
    with (folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["attention"], row["seed"]) for row in rows] == [
        (a, str(s)) for a in ("none", "simam") for s in range(6)
    ]
    trial = results["variants"][1]["trials"][2]
    assert float(rows[8]["accuracy"]) == pytest.approx(trial["best"]["accuracy"], abs=1e-6)
    assert float(rows[8]["last_accuracy"]) == pytest.approx(trial["last"]["accuracy"], abs=1e-6)
    assert float(rows[8]["blur_accuracy"]) == pytest.approx(
        np.mean(list(trial["robustness"]["blur"].values())), abs=1e-6
    )
    text = (folder / "results.md").read_text()
    for said in (
        "towernet with simam, accuracy, best epoch: better by",
        "towernet with simam, accuracy, last epoch: better by",
        "was chosen on the evaluation images themselves: its figures are optimistic, for all variants alike",
        "| 0.031 |",  # the smallest p of six seeds, 2/64
        "−0.5000",
        "2,000,000",
    ):
        assert said in text
    verdict = results["variants"][1]["comparison"]["best"]["accuracy"]["verdict"]["text"]
    assert verdict in text
    rows = [line for line in text.splitlines() if line.startswith(("| network", "| towernet"))]
    assert {row.count("|") for row in rows[:3]} == {12}


def test_few_seeds_no_difference_and_trials_that_lack(tmp_path):
    plan = finish_study(tmp_path, seeds=3)
    lost, diverged = list_trials(plan.study, tmp_path)[1], list_trials(plan.study, tmp_path)[3]
    shutil.rmtree(lost.run)
    record_divergence(diverged.run, "the loss of step 3 is nan")
    results = assemble(plan, tmp_path, counted(plan))
    assert [trial["state"] for trial in results["variants"][1]["trials"]] == ["missing", "diverged", "done"]
    comparison = results["variants"][1]["comparison"]["best"]
    assert (comparison["seeds"], comparison["unpaired"]) == ((2,), (0, 1))
    assert comparison["accuracy"]["verdict"]["outcome"] == "too few seeds"
    write_results(tmp_path, results)
    text = (tmp_path / "results.md").read_text()
    assert "- towernet with simam: missing: seed 0\n- towernet with simam: diverged: seed 1\n" in text
    assert "too few seeds to test: 1 of at least 6" in text


def test_nothing_is_done_yet(tmp_path):
    plan = finish_study(tmp_path)
    shutil.rmtree(tmp_path / "trials")
    results = assemble(plan, tmp_path, counted(plan))
    write_results(tmp_path, results)
    assert "There is nothing to compare yet." in (tmp_path / "results.md").read_text()


def test_trained_but_not_measured_is_not_done(tmp_path):
    plan = finish_study(tmp_path, seeds=1)
    trial = list_trials(plan.study, tmp_path)[0]
    assert trial_state(trial, plan) == "done"
    path = trial.run / "eval" / "eval" / "best" / "metrics.json"
    old = json.loads(path.read_text())
    path.write_text(json.dumps(old | {"step": 10}))  # evaluated by hand before the run had ended
    assert trial_state(trial, plan) == "missing"
    path.write_text(json.dumps(old))
    (trial.run / "robustness.json").unlink()
    assert trial_state(trial, plan) == "missing"


def test_other_images_are_refused(tmp_path):
    plan = finish_study(tmp_path, seeds=2)
    path = tmp_path / "trials" / "towernet-simam-seed1" / "eval" / "eval" / "best" / "predictions.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UsageError, match="answered different images"):
        assemble(plan, tmp_path, counted(plan))


def test_validation_images_choose_epoch_and_options(tmp_path):
    attentions = ("none", "simam", "simam:e_lambda=0.1", "se")
    plan = finish_study(tmp_path, seeds=2, attentions=attentions, val=True)
    for trial in list_trials(plan.study, tmp_path):
        if trial.variant.attention == "simam:e_lambda=0.1":
            path = trial.run / "metrics.jsonl"
            path.write_text(path.read_text().replace('"val/accuracy": 0.85', '"val/accuracy": 0.95'))
    results = assemble(plan, tmp_path, counted(plan))
    assert results["selection"] == "val"
    (chosen,) = results["chosen"]
    assert (chosen["attention"], chosen["among"]) == ("simam:e_lambda=0.1", ["simam", "simam:e_lambda=0.1"])
    assert chosen["val_accuracy"] == pytest.approx(0.95)
    assert chosen["accuracy"] == pytest.approx(
        np.mean([trial["best"]["accuracy"] for trial in results["variants"][2]["trials"]])
    )
    write_results(tmp_path, results)
    text = (tmp_path / "results.md").read_text()
    assert "validation images speak for simam:e_lambda=0.1" in text
    assert "the evaluation images were scored once" in text.replace("\n", " ")


def test_without_validation_no_options_are_chosen(tmp_path):
    plan = finish_study(tmp_path, seeds=1, attentions=("none", "simam", "simam:e_lambda=0.1"))
    assert assemble(plan, tmp_path, counted(plan))["chosen"] == []
