"""A picture with a caption above, and, where it shows a map, a colour scale with numbers below."""

import functools
from bisect import bisect_right
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simam_jax.reporting.heatmap import Heat, colour, fit, overlay

INK, PAPER = "#1a1a1a", "#ffffff"
_PALE = "#5a5a5a"
_LINE, _BAR, _GAP = 18, 10, 4  # pixels


class Cell(NamedTuple):
    """What a cell shows.

    Attributes:
        title, subtitle: two lines above.
        heat: a map over the picture; None for the picture alone.
    """

    title: str
    subtitle: str
    heat: Heat | None = None


def draw_cell(picture: np.ndarray, cell: Cell, *, side: int) -> Image.Image:
    """Draws a cell, `side` pixels wide; all of one picture have the same size.

    Args:
        picture: uint8 (H, W, 3) of any size.
        cell: what to draw.
        side: the longer one of the picture as it is drawn, in pixels.
    """
    shown = fit(picture, side)
    if cell.heat is not None:
        shown = overlay(shown, cell.heat)
    top = 2 * _LINE + _GAP
    height, width = shown.shape[:2]
    drawn = Image.new("RGB", (side, top + height + _GAP + _BAR + _LINE), PAPER)
    drawn.paste(Image.fromarray(shown), ((side - width) // 2, top))
    draw = ImageDraw.Draw(drawn)
    draw.text((0, _LINE / 2), shortened(cell.title, side, 14), INK, font(14), anchor="lm")
    draw.text((0, 1.5 * _LINE), shortened(cell.subtitle, side, 12), _PALE, font(12), anchor="lm")
    if cell.heat is not None:
        _draw_scale(drawn, cell.heat, top + height + _GAP)
    return drawn


def shortened(text: str, width: int, size: int) -> str:
    """A line as it is where it fits, or with its middle left out."""
    if font(size).getlength(text) <= width:
        return text
    too_many = bisect_right(range(len(text)), width, key=lambda n: font(size).getlength(_without_middle(text, n)))
    return _without_middle(text, max(too_many - 1, 0))


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface, which is there on every machine. It is Latin, and has no ×."""
    return ImageFont.load_default(size)


def _without_middle(text: str, kept: int) -> str:
    return f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"


def _draw_scale(drawn: Image.Image, heat: Heat, top: int) -> None:
    """A bar from the low to the high colour, and the numbers at its ends and in its middle."""
    width = drawn.width
    bar = np.tile(colour(np.linspace(0, 1, width)), (_BAR, 1, 1))
    drawn.paste(Image.fromarray(bar), (0, top))
    draw = ImageDraw.Draw(drawn)
    middle = (heat.low + heat.high) / 2
    for number, place, anchor in ((heat.low, 0, "lm"), (middle, width / 2, "mm"), (heat.high, width, "rm")):
        draw.text((place, top + _BAR + _LINE / 2), f"{number:.4g}", _PALE, font(12), anchor=anchor)
