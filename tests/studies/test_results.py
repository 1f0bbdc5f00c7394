"""Results put together from the folders of trials."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
from finished_study import BEST_EPOCH, EPOCHS, counted, finish_study

from simam_jax.data.corruption import CORRUPTIONS
from simam_jax.errors import UsageError
from simam_jax.reporting.page import write_page
from simam_jax.reporting.results_files import write_results
from simam_jax.studies.results import assemble, costs_file, read_costs, trial_state
from simam_jax.studies.trial_row import loss_change
from simam_jax.studies.trials import Variant, list_trials, record_divergence


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study's folder, its plan and its results."""
    folder = tmp_path_factory.mktemp("study")
    plan = finish_study(folder)
    file = costs_file(folder, Variant("towernet", "simam"))
    file.parent.mkdir()
    file.write_text('{"train_ms_per_image": 2.5, "inference_ms_per_image": 0.5, "peak_bytes": 7340032, "device": "d"}')
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
            assert trial["robustness"]["best"]["clean"] == metrics["accuracy"]
            assert trial["robustness"]["last"]["clean"] == trial["last"]["accuracy"]
            assert set(trial["robustness"]["best"]) == {"clean", *CORRUPTIONS}
    assert results["study"] == plan.study.as_json()
    assert results["data"]["counts"]["eval"] == {"a": 30, "b <i>": 30, "c": 30}


def test_the_comparison_is_that_of_the_figures(finished):
    _, _, results = finished
    none, simam = results["variants"]
    nothing = {"best": None, "last": None}
    assert none["comparison"] == {**nothing, "robustness": nothing}
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
    for which in ("best", "last"):
        robustness = simam["comparison"]["robustness"][which]
        assert list(robustness) == [*CORRUPTIONS, "all"]
        measured = [trial["robustness"][which] for trial in simam["trials"]]
        blurred = [np.mean(list(each["blur"].values())) for each in measured]
        assert robustness["blur"]["accuracy"]["paired"]["variant"] == pytest.approx(blurred)
        everything = [np.mean([list(each[name].values()) for name in CORRUPTIONS]) for each in measured]
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
        np.mean(list(trial["robustness"]["best"]["blur"].values())), abs=1e-6
    )
    assert float(rows[8]["last_blur_accuracy"]) == pytest.approx(
        np.mean(list(trial["robustness"]["last"]["blur"].values())), abs=1e-6
    )
    text = (folder / "results.md").read_text()
    for said in (
        "towernet with simam, accuracy, best epoch: better by",
        "towernet with simam, accuracy, last epoch: better by",
        "The answer is that of accuracy at the last epoch, which nobody chose.",
        "Lacking, which changes nothing of the rest:\n\n- towernet with none: costs were not measured\n\n",
        "| 0.031 |",  # the smallest p of six seeds, 2/64
        "−0.5000",
        "2,000,000",
    ):
        assert said in text
    assert re.search(r"\| +7 \| +d \|", text)  # MiB, and the device
    assert "alike" not in text
    first, second = (results["variants"][1]["comparison"][which]["accuracy"]["verdict"] for which in ("last", "best"))
    assert text.index(first["text"]) < text.index(second["text"])
    assert text.index("## Last epoch: accuracy, %") < text.index("## Best epoch: accuracy, %")
    assert text.count("McNemar's p of") == 2
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


def test_what_is_not_finished_belongs_to_the_family(tmp_path):
    """Six seeds would do for one attention; two were asked for."""
    plan = finish_study(tmp_path, attentions=("none", "simam", "se"))
    whole = assemble(plan, tmp_path, counted(plan))["variants"][1]["comparison"]
    for trial in list_trials(plan.study, tmp_path):
        if trial.variant.attention == "se":
            shutil.rmtree(trial.run)
    part = assemble(plan, tmp_path, counted(plan))["variants"][1]["comparison"]
    for found in (part["last"], part["robustness"]["last"]["all"], whole["last"]):
        assert found["accuracy"]["significance"]["family"] == 2
        assert found["accuracy"]["verdict"]["text"].endswith("2 variants no corrected p can be below 0.062")


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
    (trial.run / "eval" / "eval" / "latest" / "robustness.json").unlink()
    assert trial_state(trial, plan) == "missing"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", "[]"),
        ("metrics.json", '{"step": 60, "accuracy": "high"}'),
        ("predictions.csv", "path,label"),
        ("predictions.csv", "path,label,prediction,probability,correct\na/1,a,zebra,0.5,false\n"),
        ("predictions.csv", "path,label,prediction,probability,correct\na/1,a,a,nan,true\n"),
        ("predictions.csv", "path,label,prediction,probability,correct\na/1,a,a,1.5,true\n"),
        ("robustness.json", "{"),
        ("robustness.json", '{"step": 60}'),
        ("robustness.csv", "path,blur-1\na,2\n"),
        ("robustness.csv", "path,blur-1\na\n"),
    ],
)
def test_what_is_damaged_counts_as_not_measured(tmp_path, name, content):
    plan = finish_study(tmp_path, seeds=1)
    trial = list_trials(plan.study, tmp_path)[0]
    (trial.run / "eval" / "eval" / "best" / name).write_text(content)
    assert trial_state(trial, plan) == "missing"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"train_ms_per_image": "x"}'])
def test_damaged_costs_are_not_measured_yet(tmp_path, content):
    plan = finish_study(tmp_path, seeds=1)
    variant = Variant("towernet", "simam")
    costs_file(tmp_path, variant).parent.mkdir()
    costs_file(tmp_path, variant).write_text(content)
    assert read_costs(tmp_path, variant) is None
    results = assemble(plan, tmp_path, counted(plan))
    assert results["variants"][1]["peak_bytes"] is None
    assert {"network": "towernet", "attention": "simam", "what": "costs"} in results["lacking"]


def test_pictures_that_could_be_there_are_lacking(tmp_path):
    plan = finish_study(tmp_path, seeds=1)
    lacking = assemble(plan, tmp_path, counted(plan))["lacking"]
    assert [each["what"] for each in lacking] == ["costs", "costs"]  # the data are no files in folders
    (tmp_path / "data" / "eval" / "a").mkdir(parents=True)
    (tmp_path / "data" / "eval" / "a" / "1.png").touch()
    (tmp_path / "explanations" / "towernet-none").mkdir(parents=True)
    results = assemble(plan, tmp_path, counted(plan))
    assert results["lacking"][2:] == [{"network": "towernet", "attention": "simam", "what": "pictures"}]
    write_results(tmp_path, results)
    assert "- towernet with simam: pictures of what it looks at were not drawn" in (tmp_path / "results.md").read_text()


def test_the_change_of_the_loss_is_that_of_the_epochs_means(tmp_path):
    """Not of their last lines, before which an epoch that logs often has more."""
    plan = finish_study(tmp_path, seeds=1)
    trial = list_trials(plan.study, tmp_path)[0]
    path = trial.run / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    first = {"step": 71, "epoch": EPOCHS - 1, "time": 0.0, "train/loss": 21.3}
    place = next(place for place, line in enumerate(lines) if line["epoch"] == EPOCHS - 1)
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines[:place], first, *lines[place:]]))
    # One step of 21.3 and nine of 1.3 are 3.3 on average; five epochs before it was 1.8.
    assert loss_change(trial, EPOCHS) == pytest.approx(1.5)


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
    assert "the evaluation images had no say in it" in text.replace("\n", " ")
    assert (results["headline"], results["variants"][1]["trials"][0]["robustness"]["last"]) == ("best", None)
    assert text.index("## Best epoch: accuracy, %") < text.index("## Last epoch: accuracy, %")
    assert "## Last epoch: accuracy on corrupted images" not in text


def test_a_choice_among_those_with_trials_says_who_is_left_out_and_how_many_seeds_count(tmp_path):
    attentions = ("none", "simam", "simam:e_lambda=0.1", "simam:e_lambda=10")
    plan = finish_study(tmp_path, seeds=3, attentions=attentions, val=True)
    for trial in list_trials(plan.study, tmp_path):
        wild = trial.variant.attention == "simam:e_lambda=10"
        if wild or (trial.variant.attention == "simam:e_lambda=0.1" and trial.seed != 1):
            record_divergence(trial.run, "the loss of step 3 is nan")
    results = assemble(plan, tmp_path, counted(plan))
    (chosen,) = results["chosen"]
    assert (chosen["among"], chosen["left_out"]) == (["simam", "simam:e_lambda=0.1"], ["simam:e_lambda=10"])
    assert chosen["seeds"] == [1]
    assert chosen["accuracy"] == results["variants"][1]["trials"][1]["best"]["accuracy"]
    write_results(tmp_path, results)
    text = (tmp_path / "results.md").read_text()
    assert "the mean over the 1 seed that all of them have, and" in text
    assert "Left out, without a finished trial: simam:e_lambda=10." in text
    page = write_page(tmp_path).read_text()
    assert "Means over the 1 seed that all of them have. Left out, without a finished trial: simam:e_lambda=10." in page


def test_without_validation_no_options_are_chosen(tmp_path):
    plan = finish_study(tmp_path, seeds=1, attentions=("none", "simam", "simam:e_lambda=0.1"))
    assert assemble(plan, tmp_path, counted(plan))["chosen"] == []
