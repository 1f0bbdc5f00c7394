"""Predictions are written exactly so."""

import json

import pytest

from simam_jax.reporting.prediction import Guess, Prediction
from simam_jax.reporting.prediction_formats import FORMATS, create_format

LONG = "x" * 70
PREDICTIONS = [
    Prediction("a.png", (Guess("bee, big", 0.75), Guess("ant", 0.1234567))),
    Prediction("bad.png", error="truncated"),
    Prediction('odd "name"\udcff.png', (Guess("ant", 1.0), Guess("bee, big", 1.5e-9))),
]


def written(name, predictions=PREDICTIONS):
    form = create_format(name, paths=[each.path for each in predictions], classes=["ant", "bee, big"])
    return form.header() + form.rows(predictions[:1]) + form.rows(predictions[1:])


def test_csv():
    assert written("csv") == (
        "path,rank,class,probability\n"
        'a.png,1,"bee, big",0.75\n'
        "a.png,2,ant,0.123457\n"
        '"odd ""name""\udcff.png",1,ant,1\n'
        '"odd ""name""\udcff.png",2,"bee, big",1.5e-09\n'
    )


def test_jsonl():
    assert [json.loads(line) for line in written("jsonl").splitlines()] == [
        {
            "path": "a.png",
            "top": [{"class": "bee, big", "probability": 0.75}, {"class": "ant", "probability": 0.123457}],
        },
        {"path": "bad.png", "error": "truncated"},
        {
            "path": 'odd "name"\udcff.png',
            "top": [{"class": "ant", "probability": 1.0}, {"class": "bee, big", "probability": 1.5e-09}],
        },
    ]
    assert written("jsonl").isascii()


def test_table():
    assert written("table", PREDICTIONS[:2]).splitlines() == [
        "path     rank  class     probability",
        "a.png       1  bee, big       0.7500",
        "            2  ant            0.1235",
    ]


def test_a_long_path_pushes_only_its_own_line():
    lines = written("table", [PREDICTIONS[0], Prediction(LONG, PREDICTIONS[0].top)]).splitlines()
    assert lines[1] == "a.png     1  bee, big       0.7500"
    assert lines[3].startswith(f"{LONG}     1  bee, big")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_yet(name):
    assert create_format(name, paths=[LONG], classes=["ant"]).rows([]) == ""
