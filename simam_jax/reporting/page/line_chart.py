"""Lines with bands around them."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from simam_jax.reporting.page.axis import Axis
from simam_jax.reporting.page.palette import style_class
from simam_jax.reporting.page.plot_area import PlotArea
from simam_jax.reporting.page.svg import Number, drawing, element, path

WIDTH, HEIGHT = 420, 270
# More points than these would run together.
_MOST_DOTS = 14


@dataclass(frozen=True)
class Line:
    """A line.

    Attributes:
        name: in the legend.
        style: its colour and dash.
        x: of its points, ascending.
        y: of its points.
        low, high: a band's edges there; empty where there is none.
    """

    name: str
    style: int
    x: Sequence[Number]
    y: Sequence[Number]
    low: Sequence[Number] = ()
    high: Sequence[Number] = ()


def draw_lines(lines: Sequence[Line], across: Axis, up: Axis, *, label: str, height: int = HEIGHT) -> Markup:
    """Bands below, lines above, and dots where there are few points; `label` says in words what is shown."""
    area = PlotArea(44, 24, WIDTH - 14, height - 42, across, up)
    bands = [_band(line, area) for line in lines if len(line.low) > 1]
    return drawing(WIDTH, height, area.frame(), *bands, *(_line(line, area) for line in lines), label=label)


def _band(line: Line, area: PlotArea) -> Markup:
    there = [(area.x(x), area.y(y)) for x, y in zip(line.x, line.high, strict=True)]
    back = [(area.x(x), area.y(y)) for x, y in zip(line.x, line.low, strict=True)]
    return element("path", d=path(there + back[::-1]) + "Z", class_=f"band {style_class(line.style)}")


def _line(line: Line, area: PlotArea) -> Markup:
    points = [(area.x(x), area.y(y)) for x, y in zip(line.x, line.y, strict=True)]
    dots = points if len(points) <= _MOST_DOTS else []
    return element(
        "g",
        element("title", line.name),
        element("path", d=path(points), class_="line"),
        *(element("circle", cx=x, cy=y, r=2.6, class_="dot") for x, y in dots),
        class_=style_class(line.style),
    )
