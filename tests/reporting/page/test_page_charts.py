"""Charts put their marks where the numbers say."""

from xml.etree import ElementTree

import numpy as np
import pytest

from simam_jax.reporting.calibration import reliability
from simam_jax.reporting.page.axis import percent_axis, round_axis
from simam_jax.reporting.page.bar_chart import draw_bars
from simam_jax.reporting.page.class_chart import ClassRow, draw_classes
from simam_jax.reporting.page.interval_chart import Row, draw_intervals
from simam_jax.reporting.page.line_chart import Line, draw_lines
from simam_jax.reporting.page.reliability_chart import draw_reliability


def parsed(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    width, height = (float(word) for word in root.attrib["viewBox"].split()[2:])
    for each in root.iter("circle"):
        assert 0 <= float(each.attrib["cx"]) <= width
        assert 0 <= float(each.attrib["cy"]) <= height
    return root


def circles(root: ElementTree.Element, kind: str) -> list[tuple[float, float]]:
    found = [each for each in root.iter("circle") if kind in each.attrib["class"].split()]
    return [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in found]


def test_lines():
    across, up = round_axis(0, 2, str, whole=True), percent_axis(0, 1)
    line = Line("<a>", 1, [0, 1, 2], [0.0, 0.5, 1.0], [0.0, 0.4, 1.0], [0.0, 0.6, 1.0])
    root = parsed(draw_lines([line, Line("b", 0, [1], [0.5])], across, up, label="said"))
    (x0, y0), (x1, y1), (x2, y2), single = circles(root, "dot")
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.02)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.02)
    assert y0 > y1 > y2
    assert single == (x1, y1)
    assert [each.text for each in root.iter("title")] == ["<a>", "b"]
    (band,) = [each for each in root.iter("path") if "band" in each.attrib["class"]]
    assert band.attrib["d"].endswith("Z")


def test_many_points_have_no_dots():
    points = list(range(40))
    root = parsed(draw_lines([Line("a", 0, points, points)], *[round_axis(0, 39, str)] * 2, label=""))
    assert not circles(root, "dot")


def test_intervals_stand_about_zero():
    rows = [
        Row("up", 1, 0.02, (0.01, 0.03), (0.0, 0.04), (-0.01, 0.05)),
        Row("down", 2, -0.02, (-0.02,), None, None),
    ]
    root = parsed(draw_intervals(rows, label="said"))
    (zero,) = [float(each.attrib["x1"]) for each in root.iter("line") if each.attrib["class"] == "zero"]
    up, down = circles(root, "dot")
    assert up[0] - zero == pytest.approx(zero - down[0], abs=0.02)
    assert len(circles(root, "ring")) == 3
    bars = {each.attrib["class"]: float(each.attrib["x1"]) for each in root.iter("line")}
    assert bars["inner"] == pytest.approx(zero, abs=0.02)
    assert bars["outer"] < zero


def test_intervals_of_no_difference_at_all():
    root = parsed(draw_intervals([Row("same", 1, 0.0, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))], label=""))
    assert len(circles(root, "dot")) == 1


def test_classes():
    rows = [ClassRow("<a> & b", 3, 0.0, 1.0), ClassRow("c", 9, 0.5, 0.25)]
    root = parsed(draw_classes(rows, (0, 1), label=""))
    hollow, dots = circles(root, "hollow"), circles(root, "dot")
    assert hollow[0][0] < hollow[1][0] < dots[0][0]
    said = [each.text for each in root.iter("text")]
    assert "<a> & b (3)" in said
    assert "−25.0" in said


def test_bars_are_as_long_as_their_counts():
    root = parsed(draw_bars({"train": {"a": 8, "b": 4}, "eval": {"a": 2}}, ["a", "b"], label=""))
    widths = [float(each.attrib["width"]) for each in root.iter("rect")]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 0.25, 0.5, 0], abs=0.01)
    draw_bars({"eval": {}}, ["a"], label="")


def test_reliability():
    bins = reliability(np.array([True, False, True, True]), np.array([0.5, 0.5, 0.99, 0.99]))
    root = parsed(draw_reliability({"a": (1, bins)}, label=""))
    (x0, y0), (x1, y1) = circles(root, "bubble")
    assert x0 < x1
    assert y0 > y1
    (diagonal,) = [each for each in root.iter("line") if each.attrib["class"] == "diagonal"]
    middle = (float(diagonal.attrib["y1"]) + float(diagonal.attrib["y2"])) / 2
    assert y0 == pytest.approx(middle, abs=0.02)
