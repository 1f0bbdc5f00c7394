"""Axes span what is shown, with few round marks."""

import hypothesis
import pytest
from hypothesis import strategies as st

from simam_jax.reporting.page.axis import percent_axis, round_axis

_NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 4))


@hypothesis.given(_NUMBERS, _NUMBERS)
def test_every_number_is_on_the_axis(a, b):
    low, high = sorted((a, b))
    axis = round_axis(low, high, str)
    slack = 1e-6 * (axis.high - axis.low)
    assert axis.low <= low + slack
    assert axis.high >= high - slack
    assert axis.high > axis.low
    assert 2 <= len(axis.ticks) <= 8
    assert len(axis.labels) == len(axis.ticks)


def test_known_axes():
    assert round_axis(0, 1.92, "{:g}".format).labels == ("0", "0.5", "1", "1.5", "2")
    assert percent_axis(0.47, 0.83).labels == ("40", "50", "60", "70", "80", "90")
    assert round_axis(0, 29, "{:g}".format, whole=True).labels == ("0", "10", "20")


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_single_fraction_has_an_axis_within_100_percent(value):
    axis = percent_axis(value, value)
    assert 0 <= axis.low < axis.high <= 1
    assert axis.low <= value <= axis.high


def test_a_run_of_one_epoch_has_an_axis():
    axis = round_axis(0, 0, str, whole=True)
    assert (axis.low, axis.high, axis.ticks) == (0, 1, (0.0,))
