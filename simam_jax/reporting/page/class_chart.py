"""A row a class: two fractions of its images, and how far they are apart."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from simam_jax.reporting.page.numbers import points
from simam_jax.reporting.page.palette import style_class
from simam_jax.reporting.page.svg import drawing, element, shortened, text

_WIDTH, _ROW, _TOP, _BOTTOM = 420, 22, 20, 24
_LEFT, _RIGHT, _END = 132, 362, 416


class ClassRow(NamedTuple):
    """A class: the fraction of its images that were recognised without and with the attention."""

    name: str
    images: int
    baseline: float
    variant: float


def draw_classes(rows: Sequence[ClassRow], styles: tuple[int, int], *, label: str) -> Markup:
    """A ring for the baseline, a dot for the variant, a line from one to the other, and the difference in points.

    Args:
        rows: from top to bottom.
        styles: of baseline and variant.
        label: the same in words.
    """
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(element("line", x1=_x(share), x2=_x(share), y1=_TOP, y2=height - _BOTTOM, class_="rule"))
        parts.append(text(_x(share), height - 8, f"{100 * share:.0f}", anchor="middle"))
    parts.append(text(_END, 12, "points", anchor="end", class_="title"))
    parts.append(text(_x(0.5), 12, "% of the class's images", anchor="middle", class_="title"))
    for place, row in enumerate(rows):
        y = _TOP + _ROW * (place + 0.5)
        ends = (_x(row.baseline), _x(row.variant))
        parts += [
            text(_LEFT - 8, y + 4, f"{shortened(row.name, 15)} ({row.images})", anchor="end"),
            element("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_=f"link {style_class(styles[1])}"),
            element("circle", cx=ends[0], cy=y, r=4.5, class_=f"hollow {style_class(styles[0])}"),
            element("circle", cx=ends[1], cy=y, r=4.0, class_=f"dot {style_class(styles[1])}"),
            text(_END, y + 4, points(row.variant - row.baseline, 1), anchor="end"),
        ]
    return drawing(_WIDTH, height, *parts, label=label)


def _x(share: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * share
