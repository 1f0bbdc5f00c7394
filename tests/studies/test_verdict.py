"""What may be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.studies.pairing import Interval
from simam_jax.studies.significance import Significance
from simam_jax.studies.verdict import judge


def found(p: float | None, corrected: float | None, *, seeds: int = 8, family: int = 2, smallest: float = 2 / 128):
    return Significance(seeds, family, p, corrected, 2 / 2**seeds, None if p is None else smallest, True)


CLEAR = found(0.0078125, 0.015625)


def test_better():
    said = judge(CLEAR, 0.0123, Interval(0.0061, 0.0185), Interval(0.0002, 0.0251))
    assert said.outcome == "better"
    assert said.text == (
        "better by 1.23 points on these images (95 % interval 0.61 to 1.85 over seeds, 0.02 to 2.51 over seeds and "
        "images, two-sided p 0.0078 with 0.0078 the smallest possible, Holm over 2 variants 0.016)"
    )


def test_worse_turns_the_interval_with_the_word():
    said = judge(CLEAR, -0.0123, Interval(-0.0185, -0.0061), None)
    assert said.outcome == "worse"
    assert said.text.startswith(
        "worse by 1.23 points on these images (95 % interval 0.61 to 1.85 over seeds, two-sided"
    )


def test_images_that_could_have_been_others():
    said = judge(CLEAR, 0.01, Interval(0.004, 0.016), Interval(-0.002, 0.022))
    assert said.outcome == "better"
    assert "−0.20 to 2.20 over seeds and images" in said.text
    assert said.text.endswith("; other images may not show it")


def test_of_an_error_lower_is_better():
    assert judge(CLEAR, -0.01, Interval(-0.02, -0.005), None, lower_is_better=True).outcome == "better"
    said = judge(CLEAR, 0.01, Interval(0.005, 0.02), None, lower_is_better=True)
    assert said.outcome == "worse"
    assert "worse by 1.00 points on these images (95 % interval 0.50 to 2.00 over seeds" in said.text


def test_no_evidence():
    said = judge(found(0.25, 0.5), -0.001, Interval(-0.006, 0.004), Interval(-0.01, 0.008))
    assert said.outcome == "no evidence"
    assert said.text == (
        "no evidence of a difference: −0.10 points (95 % interval −0.60 to 0.40 over seeds, −1.00 to 0.80 over seeds "
        "and images, two-sided p 0.25 with 0.0078 the smallest possible, Holm over 2 variants 0.5)"
    )


def test_nothing_at_all_is_still_no_evidence_only():
    said = judge(found(1.0, 1.0, family=1), 0.0, Interval(0.0, 0.0), Interval(-1e-9, 0.0))
    assert said.outcome == "no evidence"
    assert said.text.startswith(
        "no evidence of a difference: 0.00 points (95 % interval 0.00 to 0.00 over seeds, 0.00 to"
    )
    assert "Holm over 1 variant 1" in said.text


@pytest.mark.parametrize("seeds", [1, 5])
def test_too_few_seeds(seeds):
    said = judge(found(None, None, seeds=seeds), 0.5, Interval(0.4, 0.6), Interval(0.4, 0.6))
    assert (said.outcome, said.text) == ("too few seeds", f"too few seeds to test: {seeds} of at least 6")


def test_too_few_seeds_for_so_many_variants():
    said = judge(found(2 / 64, 4 / 64, seeds=6, smallest=4 / 64), 0.5, Interval(0.4, 0.6), None)
    assert said.outcome == "too few seeds"
    assert said.text == "too few seeds to test: with 6 seeds and 2 variants no corrected p can be below 0.062"


@given(st.floats(0.01, 1), st.floats(-1, 1), st.floats(0, 0.5), st.booleans())
def test_only_a_small_corrected_p_makes_a_difference(p, difference, width, lower):
    interval = Interval(difference - width, difference + width)
    said = judge(found(p / 2, p, smallest=0.01), difference, interval, interval, lower_is_better=lower)
    assert (said.outcome in ("better", "worse")) == (p <= 0.05)
    assert not {"equal", "same", "identical"} & set(said.text.split())
    other = judge(found(p / 2, p, smallest=0.01), -difference, interval, interval, lower_is_better=lower)
    if difference and p <= 0.05:
        assert {said.outcome, other.outcome} == {"better", "worse"}
