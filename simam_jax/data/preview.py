"""The seed's picture of a data set: a labelled image of each of its first sixteen classes."""

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simam_jax.data.decode import decode
from simam_jax.data.split import Placement

_COLUMNS, _CELLS = 4, 16
_SIDE, _TITLE, _GAP = 240, 34, 16  # pixels
_INK, _PAPER = "#1a1a1a", "#ffffff"


def draw_preview(
    images: Mapping[str, Sequence[Placement]], *, read: Callable[[Placement], bytes], seed: str
) -> Image.Image:
    """Draws up to 4×4 cells, each a random image of a class under the text `label: CLASS`.

    Args:
      images: class → its images, all of them whole; the first 16 classes are drawn, in the mapping's order.
      read: gives an image's bytes.
      seed: chooses the images: the same seed and images give the same picture.

    Returns:
      An RGB picture of up to 4 columns and as many rows as the classes need.
    """
    classes = list(images)[:_CELLS]
    columns = min(_COLUMNS, len(classes))
    rows = -(-len(classes) // columns)
    picture = Image.new("RGB", (_GAP + columns * (_SIDE + _GAP), _GAP + rows * (_TITLE + _SIDE + _GAP)), _PAPER)
    for place, name in enumerate(classes):
        chosen = random.Random(f"{seed}/{name}").choice(images[name])
        row, column = divmod(place, columns)
        corner = (_GAP + column * (_SIDE + _GAP), _GAP + row * (_TITLE + _SIDE + _GAP))
        _draw_cell(picture, corner, f"label: {name}", decode(read(chosen), trusted=True))
    return picture


def _draw_cell(picture: Image.Image, corner: tuple[int, int], title: str, pixels: np.ndarray) -> None:
    image = _fitted(Image.fromarray(pixels))
    left, top = corner[0] + (_SIDE - image.width) // 2, corner[1] + (_SIDE - image.height) // 2
    picture.paste(image, (left, top + _TITLE))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(18)
    draw.text((corner[0] + _SIDE / 2, top + _TITLE / 2), _shortened(draw, title, font), _INK, font, anchor="mm")


def _fitted(image: Image.Image) -> Image.Image:
    """The image as large as fits a cell, its aspect ratio kept; small ones show their pixels."""
    scale = _SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 4 else Image.Resampling.LANCZOS)


def _shortened(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if draw.textlength(text, font) <= _SIDE:
        return text
    while text and draw.textlength(text + "…", font) > _SIDE:
        text = text[:-1]
    return text + "…"
