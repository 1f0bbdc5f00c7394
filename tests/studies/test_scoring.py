"""A real run's checkpoints measured, on its images and on images made worse."""

import json
import math
import shutil
from dataclasses import replace

import pytest
from tiny_run import CLASSES

from simam_jax.data.corruption import CORRUPTIONS
from simam_jax.reporting.robustness_files import read_robustness
from simam_jax.studies.scoring import is_scored, main, score
from simam_jax.studies.trials import divergence


@pytest.fixture(scope="module")
def scored(tiny_run, tmp_path_factory):
    """A copy that has been measured."""
    run = shutil.copytree(tiny_run.path, tmp_path_factory.mktemp("scored") / "run")
    assert not is_scored(run, "accuracy", CLASSES)
    score(run, str(tiny_run.data))
    return run


def test_both_epochs_are_measured_on_images_made_worse(scored):
    assert is_scored(scored, "accuracy", CLASSES)
    for word in ("best", "latest"):
        folder = scored / "eval" / "eval" / word
        metrics, found = json.loads((folder / "metrics.json").read_text()), read_robustness(folder)
        assert found is not None
        assert (found.step, found.accuracies["clean"]) == (metrics["step"], pytest.approx(metrics["accuracy"]))
        assert list(found.recognised) == list(CORRUPTIONS)
        for name, marks in found.recognised.items():
            assert marks.shape == (3, 6)
            assert list(found.accuracies[name].values()) == pytest.approx(marks.mean(1).tolist())


def test_the_last_epoch_is_asked_with_its_own_weights(scored, tiny_run):
    from simam_jax.inference.forward import Forward
    from simam_jax.inference.restore import restore
    from simam_jax.inference.robustness import measure_robustness
    from simam_jax.inference.split import open_split

    last = restore(scored, "latest")
    split = open_split(scored, "eval", str(tiny_run.data))
    (alone,) = measure_robustness([last], split, Forward(last, batch_size=split.batch_size))
    found = read_robustness(scored / "eval" / "eval" / "latest")
    assert found is not None
    for (name, strength), marks in alone.items():
        assert marks.tolist() == found.recognised[name][strength - 1].tolist()


def test_only_what_is_damaged_is_measured_again(scored, tiny_run, tmp_path):
    run = shutil.copytree(scored, tmp_path / "run")
    damaged = run / "eval" / "eval" / "latest" / "robustness.csv"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-9])
    before = {path: path.stat().st_mtime_ns for path in (run / "eval" / "eval" / "best").iterdir()}
    assert not is_scored(run, "accuracy", CLASSES)
    score(run, str(tiny_run.data))
    assert damaged.read_bytes() == whole
    assert {path: path.stat().st_mtime_ns for path in (run / "eval" / "eval" / "best").iterdir()} == before


def test_a_trial_whose_answers_are_no_numbers_has_diverged(tiny_run, tmp_path, monkeypatch, capsys):
    from simam_jax.inference import evaluation

    evaluate = evaluation.evaluate

    def overflow(*arguments):
        found = evaluate(*arguments)
        return replace(found, metrics={**found.metrics, "loss": math.nan})

    monkeypatch.setattr(evaluation, "evaluate", overflow)
    run = shutil.copytree(tiny_run.path, tmp_path / "run")
    assert main([str(run), str(tiny_run.data)]) == 0
    assert divergence(run) in (f"the loss on eval after step {step} is nan" for step in (3, 6))
    assert capsys.readouterr().err == f"run: {divergence(run)}\n"
    assert not (run / "eval" / "eval").exists()
