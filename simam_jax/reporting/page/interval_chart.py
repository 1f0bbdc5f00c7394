"""Differences with their intervals, a row each, beside the line of no difference."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from simam_jax.reporting.page.axis import round_axis
from simam_jax.reporting.page.numbers import points
from simam_jax.reporting.page.palette import style_class
from simam_jax.reporting.page.svg import drawing, element, shortened, text

_WIDTH, _ROW, _TOP, _BOTTOM = 420, 40, 10, 44
_LEFT, _RIGHT = 12, 408


@dataclass(frozen=True)
class Row:
    """A difference of fractions.

    Attributes:
        name: what differs.
        style: its colour.
        mean: the difference.
        each: that of every seed.
        inner, outer: its interval over seeds, and that over seeds and images; None where there is none.
    """

    name: str
    style: int
    mean: float
    each: Sequence[float]
    inner: tuple[float, float] | None
    outer: tuple[float, float] | None


def draw_intervals(rows: Sequence[Row], *, label: str) -> Markup:
    """A thick bar for the interval over seeds, a thin one for the wider, a dot for the mean, rings for the seeds."""
    numbers = [0.0] + [each for row in rows for each in (row.mean, *row.each, *(row.inner or ()), *(row.outer or ()))]
    axis = round_axis(min(numbers), max(numbers), lambda tick: points(tick, 2).removesuffix(".00"), most=6)
    scale = (_RIGHT - _LEFT) / (axis.high - axis.low)
    height = _TOP + _ROW * len(rows) + _BOTTOM

    def x(value: float) -> float:
        return _LEFT + (value - axis.low) * scale

    parts = []
    bottom = height - _BOTTOM
    for tick, said in zip(axis.ticks, axis.labels, strict=True):
        kind = "zero" if abs(tick) < 1e-12 else "rule"
        parts.append(element("line", x1=x(tick), x2=x(tick), y1=_TOP, y2=bottom, class_=kind))
        anchor = "start" if tick == axis.ticks[0] else "end" if tick == axis.ticks[-1] else "middle"
        parts.append(text(x(tick), bottom + 16, said, anchor=anchor))
    parts.append(text(_WIDTH / 2, bottom + 34, "points, against none", anchor="middle", class_="title"))
    for place, row in enumerate(rows):
        top = _TOP + _ROW * place
        y = top + 26.0
        parts.append(text(_LEFT, top + 12, shortened(row.name, 44), class_="halo"))
        parts.append(text(_RIGHT, top + 12, points(row.mean), anchor="end", class_="halo strong"))
        drawn = [element("line", x1=x(low), x2=x(high), y1=y, y2=y, class_=kind) for kind, low, high in _bars(row)]
        rings = [element("circle", cx=x(each), cy=y, r=3.2, class_="ring") for each in row.each]
        dot = element("circle", cx=x(row.mean), cy=y, r=5, class_="dot")
        parts.append(element("g", element("title", row.name), *drawn, *rings, dot, class_=style_class(row.style)))
    return drawing(_WIDTH, height, *parts, label=label)


def _bars(row: Row) -> list[tuple[str, float, float]]:
    return [(kind, *ends) for kind, ends in (("outer", row.outer), ("inner", row.inner)) if ends]
