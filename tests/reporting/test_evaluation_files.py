"""An evaluation's files are as others read them."""

import csv
import json
import math

import numpy as np
import pytest

from simam_jax.errors import StorageError
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.evaluation_files import write_evaluation
from simam_jax.reporting.evaluation_text import describe_classes, describe_confusion, describe_metrics

EVALUATION = Evaluation(
    step=7,
    metrics={"loss": math.inf, "accuracy": 0.75, "top5": 1.0, "balanced_accuracy": 0.75},
    classes=["ant", "bee, big"],
    names=["ant/1.png", "ant/2.png", 'bee, big/"3".png', "bee, big/\udcff.png"],
    labels=np.array([0, 0, 1, 1]),
    predictions=np.array([0, 1, 1, 1]),
    probabilities=np.array([0.9, 2 / 3, 1.0, 0.123456789]),
)


@pytest.fixture
def folder(tmp_path):
    write_evaluation(tmp_path / "eval" / "eval" / "best", EVALUATION, checkpoint="best")
    return tmp_path / "eval" / "eval" / "best"


def rows(path):
    with path.open(newline="", errors="surrogateescape") as file:
        return list(csv.reader(file))


def test_the_files(folder):
    names = ["confusion.csv", "metrics.json", "per_class.csv", "predictions.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_metrics(folder):
    assert json.loads((folder / "metrics.json").read_text()) == {
        "step": 7,
        "checkpoint": "best",
        "count": 4,
        "loss": None,
        "accuracy": 0.75,
        "top5": 1.0,
        "balanced_accuracy": 0.75,
    }


def test_confusion(folder):
    assert rows(folder / "confusion.csv") == [["truth", "ant", "bee, big"], ["ant", "1", "1"], ["bee, big", "0", "2"]]


def test_predictions(folder):
    assert rows(folder / "predictions.csv") == [
        ["path", "label", "prediction", "probability", "correct"],
        ["ant/1.png", "ant", "ant", "0.9", "true"],
        ["ant/2.png", "ant", "bee, big", "0.666667", "false"],
        ['bee, big/"3".png', "bee, big", "bee, big", "1", "true"],
        ["bee, big/\udcff.png", "bee, big", "bee, big", "0.123457", "true"],
    ]


def test_per_class(folder):
    assert rows(folder / "per_class.csv") == [
        ["class", "count", "correct", "recall", "precision", "f1"],
        ["ant", "2", "1", "0.500000", "1.000000", "0.666667"],
        ["bee, big", "2", "2", "1.000000", "0.666667", "0.800000"],
    ]


def test_earlier_files_are_replaced_and_nothing_else_is_left(folder):
    (folder / "metrics.json").write_text("old")
    write_evaluation(folder, EVALUATION, checkpoint="3")
    assert json.loads((folder / "metrics.json").read_text())["checkpoint"] == "3"
    assert len(list(folder.iterdir())) == 4


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "eval").write_text("a file")
    with pytest.raises(StorageError, match=r"cannot write to .*eval/best: Not a directory"):
        write_evaluation(tmp_path / "eval" / "best", EVALUATION, checkpoint="best")


def test_on_a_terminal():
    assert describe_metrics(EVALUATION).splitlines() == [
        "images                  4",
        "loss                  inf",
        "accuracy           0.7500",
        "top5               1.0000",
        "balanced accuracy  0.7500",
    ]
    assert describe_classes(EVALUATION).splitlines() == [
        "class     images  correct  recall  precision      f1",
        "ant            2        1  0.5000     1.0000  0.6667",
        "bee, big       2        2  1.0000     0.6667  0.8000",
    ]
    assert describe_confusion(EVALUATION).splitlines() == [
        "truth \\ prediction     0  1",
        "ant                 0  1  1",
        "bee, big            1  .  2",
    ]


def test_many_classes_are_left_to_the_file():
    classes = [f"class {n}" for n in range(21)]
    many = Evaluation(1, {}, classes, ["x"], np.array([3]), np.array([4]), np.array([0.5]))
    assert describe_confusion(many) == "the confusion matrix of 21 classes is in confusion.csv"
    assert describe_classes(many).splitlines()[4].split() == ["class", "3", "1", "0", "0.0000", "-", "0.0000"]
