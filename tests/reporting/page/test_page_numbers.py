"""Numbers as the page writes them."""

import pytest

from simam_jax.reporting.page import numbers


def test_percent_and_points():
    assert numbers.percent(0.8232) == "82.3 %"
    assert numbers.percent(None) == "–"
    assert numbers.points(0.0123) == "+1.23"
    assert numbers.points(-0.0123) == "−1.23"
    assert numbers.points(-0.00001) == "0.00"
    assert numbers.interval({"low": -0.004, "high": 0.012}) == "−0.40 to 1.20"
    assert numbers.interval(None) == "–"


def test_mean_and_standard_deviation():
    assert numbers.spread([0.5, 0.6, 0.7]) == "60.0 ± 10.0 %"
    assert numbers.spread([0.5]) == "50.0 %"
    assert numbers.spread([]) == "–"


@pytest.mark.parametrize(("p", "said"), [(2 / 256, "0.0078"), (1.0, "1"), (None, "–")])
def test_probability(p, said):
    assert numbers.probability(p) == said


def test_counts():
    assert numbers.count(1362176) == "1,362,176"
    assert numbers.scaled(900 * 2**20, 2**20, 0) == "900"
    assert numbers.several(1, "seed") == "1 seed"
    assert numbers.several(2, "class", "classes") == "2 classes"
    assert numbers.plain(-0.00123456) == "−0.001235"
