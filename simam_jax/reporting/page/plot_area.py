"""The part of a chart that axes span."""

from typing import NamedTuple

from markupsafe import Markup

from simam_jax.reporting.page.axis import Axis
from simam_jax.reporting.page.svg import Number, element, text


class PlotArea(NamedTuple):
    """A rectangle, y downwards, and the axes along its lower and left side.

    Attributes:
        left, top, right, bottom: in the picture's units.
        across, up: the axes.
    """

    left: float
    top: float
    right: float
    bottom: float
    across: Axis
    up: Axis

    def x(self, value: Number) -> float:
        """Where a number of the lower axis is."""
        return self.left + (self.right - self.left) * (value - self.across.low) / (self.across.high - self.across.low)

    def y(self, value: Number) -> float:
        """Where a number of the left axis is."""
        return self.bottom - (self.bottom - self.top) * (value - self.up.low) / (self.up.high - self.up.low)

    def frame(self) -> Markup:
        """Lines at the marks of the left axis, small ones below the lower axis, labels and titles."""
        parts = []
        for tick, label in zip(self.up.ticks, self.up.labels, strict=True):
            if tick <= self.up.high:
                y = self.y(tick)
                parts.append(element("line", x1=self.left, x2=self.right, y1=y, y2=y, class_="rule"))
                parts.append(text(self.left - 6, y + 4, label, anchor="end"))
        for tick, label in zip(self.across.ticks, self.across.labels, strict=True):
            x = self.x(tick)
            parts.append(element("line", x1=x, x2=x, y1=self.bottom, y2=self.bottom + 4, class_="tick"))
            parts.append(text(x, self.bottom + 17, label, anchor="middle"))
        parts.append(element("line", x1=self.left, x2=self.right, y1=self.bottom, y2=self.bottom, class_="axis"))
        middle = (self.left + self.right) / 2
        parts.append(text(middle, self.bottom + 33, self.across.title, anchor="middle", class_="title"))
        parts.append(text(2, self.top - 8, self.up.title, class_="title"))
        return Markup().join(parts)
