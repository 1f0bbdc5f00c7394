"""Reliability diagrams: how often answers are right, over how sure the network was of them."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from simam_jax.reporting.calibration import Reliability
from simam_jax.reporting.page.axis import percent_axis
from simam_jax.reporting.page.palette import style_class
from simam_jax.reporting.page.plot_area import PlotArea
from simam_jax.reporting.page.svg import drawing, element, path

_WIDTH, _HEIGHT = 420, 400
# Radii of the smallest bin and of one that has all images.
_SMALL, _LARGE = 2.2, 13.0


def draw_reliability(diagrams: Mapping[str, tuple[int, Sequence[Reliability]]], *, label: str) -> Markup:
    """A circle a bin, its area growing with its share of the images; on the diagonal they are as right as sure.

    Args:
        diagrams: by name, a style and the bins.
        label: the same in words.
    """
    area = PlotArea(
        44,
        34,
        _WIDTH - 14,
        _HEIGHT - 42,
        percent_axis(0, 1, title="confidence, %"),
        percent_axis(0, 1, title="recognised, %"),
    )
    diagonal = element("line", x1=area.x(0), y1=area.y(0), x2=area.x(1), y2=area.y(1), class_="diagonal")
    drawn = [_draw(area, name, style, bins) for name, (style, bins) in diagrams.items()]
    return drawing(_WIDTH, _HEIGHT, area.frame(), diagonal, *drawn, label=label)


def _draw(area: PlotArea, name: str, style: int, bins: Sequence[Reliability]) -> Markup:
    total = sum(each.count for each in bins)
    points = [
        (area.x(each.confidence), area.y(each.accuracy), each.count / total)
        for each in bins
        if each.confidence is not None and each.accuracy is not None
    ]
    circles = [
        element("circle", cx=x, cy=y, r=_SMALL + (_LARGE - _SMALL) * share**0.5, class_="bubble")
        for x, y, share in points
    ]
    line = element("path", d=path([(x, y) for x, y, _ in points]), class_="line thin")
    return element("g", element("title", name), line, *circles, class_=style_class(style))
