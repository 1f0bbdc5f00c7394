"""What the page computes from what it reads: curves, mistakes, robust accuracies, styles."""

import re
from pathlib import Path

import numpy as np
import pytest

from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.page import document
from simam_jax.reporting.page.curves import curve
from simam_jax.reporting.page.mistakes import most_confident_mistakes
from simam_jax.reporting.page.palette import style_class, styles
from simam_jax.reporting.page.run_files import RunFiles
from simam_jax.reporting.page.sections import confusion
from simam_jax.reporting.page.sections.confusion import MOST_CLASSES, confusion_section
from simam_jax.reporting.page.variant import Trial, Variant
from simam_jax.reporting.robustness import corruptions, robust_accuracy


def run_of(*values: float | None, steps: int = 10) -> RunFiles:
    lines = [{"step": (n + 1) * steps, "epoch": n, "train/loss": value} for n, value in enumerate(values)]
    return RunFiles(Path(), {}, {"classes": []}, lines)


def test_a_curve_has_the_epochs_that_all_seeds_have():
    found = curve([run_of(1.0, 2.0, 3.0), run_of(3.0, 6.0), run_of(2.0, 4.0, None)], "train/loss")
    assert found is not None
    assert found.epochs == [0, 1]
    assert found.mean == [2.0, 4.0]
    assert found.low == [1.0, 2.0]
    assert found.high == [3.0, 6.0]
    assert curve([], "train/loss") is None
    assert curve([run_of(1.0)], "eval/loss") is None


def test_lines_of_one_epoch_count_by_their_steps():
    lines = [
        {"step": 30, "epoch": 0, "train/loss": 1.0},
        {"step": 40, "epoch": 0, "train/loss": 5.0},
        {"step": 40, "epoch": 0, "eval/loss": 9.0},
        {"step": 50, "epoch": 1, "train/loss": 7.0},
    ]
    run = RunFiles(Path(), {}, {"classes": []}, lines)
    assert run.by_epoch("train/loss") == {0: 2.0, 1: 7.0}


def answers(predictions: list[int], probabilities: list[float]) -> Evaluation:
    labels = np.array([0, 0, 1])
    return Evaluation(1, {}, ("a", "b"), ["a/1", "a/2", "b/1"], labels, np.array(predictions), np.array(probabilities))


def test_the_surest_wrong_answers_come_first():
    none = [answers([1, 0, 1], [0.9, 0.9, 0.9]), answers([1, 1, 1], [0.7, 0.6, 1.0])]
    simam = [answers([0, 0, 1], [0.9, 0.9, 0.9])]
    first, second = most_confident_mistakes({"none": none, "simam": simam, "empty": []}, 5)
    assert (first.name, first.truth, first.weight) == ("a/1", "a", pytest.approx(1.6 / 3))
    assert first.answers == {"none": (2, 2, "b", pytest.approx(0.8)), "simam": (0, 1, "", 0.0)}
    assert second.answers["none"] == (1, 2, "b", pytest.approx(0.6))
    assert len(most_confident_mistakes({"none": none}, 1)) == 1
    assert most_confident_mistakes({}, 1) == []


def test_other_images_cannot_be_set_beside_these():
    other = Evaluation(1, {}, ("a",), ["a/9"], np.array([0]), np.array([0]), np.array([1.0]))
    with pytest.raises(ValueError, match="different images"):
        most_confident_mistakes({"none": [answers([0, 0, 1], [1, 1, 1])], "simam": [other]}, 1)


def test_robustness():
    measured = {"clean": 0.8, "blur": {"2": 0.5, "1": 0.7}, "jpeg": {"1": 0.3}}
    assert corruptions(measured) == {"blur": {0: 0.8, 1: 0.7, 2: 0.5}, "jpeg": {0: 0.8, 1: 0.3}}
    assert robust_accuracy(measured) == pytest.approx(0.5)
    assert robust_accuracy(None) is None
    assert robust_accuracy({"clean": 0.8}) is None
    assert robust_accuracy(measured, "blur") == pytest.approx(0.6)
    assert robust_accuracy(measured, "noise") is None


def test_simam_is_blue_and_none_is_not():
    found = styles(["se", "none", "simam:e_lambda=0.1", "se", "simam"])
    assert found == {"none": 0, "simam:e_lambda=0.1": 1, "se": 2, "simam": 3}
    assert style_class(1) == "s s1 d1"


def test_all_attentions_look_different_and_none_like_the_baseline():
    from simam_jax.layers.attention import attention_names

    sheet = (Path(document.__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
    classes = {name: style_class(style) for name, style in styles(attention_names()).items()}
    assert len(set(classes.values())) == len(attention_names()) == 12
    for place in (1, 2):
        names = {each.split()[place] for each in classes.values()}
        assert len({re.search(rf"\.{name} {{([^}}]*)}}", sheet)[1] for name in names}) == 12  # type: ignore[index]
    for scheme in (sheet[: sheet.index("@media")], sheet[sheet.index("@media") :]):
        assert len({re.search(rf"--s{number}: (#\w+);", scheme)[1] for number in range(12)}) == 12  # type: ignore[index]


def test_more_attentions_than_colours_look_different_too():
    """Of SimAM with many λ, say."""
    looks = [style_class(style).split() for style in range(60)]
    assert len({tuple(each) for each in looks}) == 60
    assert {"s0", "d0"}.isdisjoint({name for each in looks[1:] for name in each})
    assert looks[1][1] == looks[12][1]


def with_answers(classes: int) -> Variant:
    """A variant of one trial, of which every image's class was taken for the next."""
    labels = np.arange(classes)
    answers = Evaluation(
        step=1,
        metrics={},
        classes=[f"class {label}" for label in labels],
        names=[f"{label}.png" for label in labels],
        labels=labels,
        predictions=np.roll(labels, 1),
        probabilities=np.full(classes, 0.5),
    )
    trial = Trial(0, None, "done", {})
    vars(trial)["answers"] = answers
    return Variant("towernet", "none", 0, [trial])


def test_a_matrix_of_many_classes_is_not_made(monkeypatch):
    few = confusion_section([with_answers(MOST_CLASSES)])
    assert few is not None
    assert len(few.values["matrices"][0].rows) == MOST_CLASSES
    monkeypatch.setattr(confusion, "Square", None)  # a thousand classes have a million
    many = confusion_section([with_answers(MOST_CLASSES + 1)])
    assert many is not None
    assert len(many.values["matrices"][0].rows) == 0
    assert many.values["matrices"][0].pairs.rows
