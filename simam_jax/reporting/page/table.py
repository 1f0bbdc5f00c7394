"""Tables of the page, which a reader may sort."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from simam_jax.reporting.page.numbers import NOTHING


class Cell(NamedTuple):
    """What stands in a cell.

    Attributes:
        text: as it is read; text is escaped, markup is not.
        key: what it is sorted by, a number or a text; None comes last.
    """

    text: str | Markup
    key: float | int | str | None


class Column(NamedTuple):
    """A column's head.

    Attributes:
        title: its name.
        group: what it shares with its neighbours of the same group; "" is nothing.
        numeric: whether it has numbers, which stand to the right.
    """

    title: str
    group: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """Rows under heads; the first `heads` cells of a row say what the row is of.

    Attributes:
        caption: what it shows.
        columns, rows: equally wide.
        heads: how many.
        sortable: whether it gets buttons.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    heads: int = 1
    sortable: bool = False

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Each group and over how many columns it stands; empty where no column has one."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return found if any(group for group, _ in found) else []


def name(text: str) -> Cell:
    """A cell that is sorted by what it says."""
    return Cell(text, text.casefold())


def number(value: float | int | None, text: str) -> Cell:
    """A cell that is sorted by its number."""
    return Cell(NOTHING if value is None else text, value)
