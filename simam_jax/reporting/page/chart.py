"""A drawing with what is said about it."""

from dataclasses import dataclass

from markupsafe import Markup

from simam_jax.reporting.page.table import Table


@dataclass(frozen=True)
class Chart:
    """A figure of the page.

    Attributes:
        title: above it.
        svg: the drawing, whose label says in words what it shows.
        note: below it; "" is nothing.
        numbers: the same as a table, to unfold; None where one stands beside it anyway.
    """

    title: str
    svg: Markup
    note: str = ""
    numbers: Table | None = None
