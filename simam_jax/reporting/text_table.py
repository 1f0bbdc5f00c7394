"""Columns of text."""

from collections.abc import Sequence


def align(rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Rows as lines, their columns two spaces apart.

    Args:
        rows: equally long, the header first where there is one.
        left: how many columns, from the first, are aligned to the left; the others are to the right.
    """
    return "\n".join("  ".join(cells).rstrip() for cells in pad(rows, left=left))


def pad(rows: Sequence[Sequence[str]], *, left: int) -> list[list[str]]:
    """The same rows, each cell as wide as its column; takes what `align` takes."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
