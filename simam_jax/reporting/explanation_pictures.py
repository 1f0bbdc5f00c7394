"""An explanation as pictures: one a map, and all of them on one sheet."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.heatmap import Heat, relative
from simam_jax.reporting.heatmap_cell import INK, PAPER, Cell, draw_cell, font, shortened
from simam_jax.reporting.prediction import Guess

# What SimAM's gate and 1 / e* are at a channel's mean: their scales begin there.
_LEAST_GATE, _LEAST_INVERSE_ENERGY = 0.6225, 0.5
_COLUMNS = 6
_SHEET_SIDE, _SIDE = 220, 384  # pixels of a picture
_MARGIN, _HEADER, _FOOTER = 16, 56, 22
_NOTES = (
    "Grad-CAM: what speaks for the class, as shares of the map's largest value.",
    "Gate: what SimAM multiplies by, 0.6225 at a channel's mean. 1/e*: the higher, the lower SimAM's energy.",
    "Every map has its own scale. Coarse ones are stretched over the picture.",
)
Kind = tuple[str, str]


def draw_maps(picture: np.ndarray, explanation: Explanation) -> Iterator[tuple[Kind, Image.Image]]:
    """Every map over the picture, with caption and scale.

    Args:
        picture: uint8 (H, W, 3), of what the network saw.
        explanation: of that picture.

    Returns:
        ("grad_cam", "gate" or "energy", the layer) and the drawing, Grad-CAM first.
    """
    for kind, cell in _cells(explanation).items():
        yield kind, ImageOps.expand(draw_cell(picture, cell, side=_SIDE), _MARGIN, PAPER)


def draw_image(picture: np.ndarray, *, name: str) -> Image.Image:
    """The picture alone, as large as with a map over it; arguments as `draw_sheet` takes them."""
    return ImageOps.expand(draw_cell(picture, Cell("image", PurePath(name).name), side=_SIDE), _MARGIN, PAPER)


def draw_sheet(picture: np.ndarray, explanation: Explanation, *, name: str) -> Image.Image:
    """The picture and all maps side by side: Grad-CAM in the first row, then gates above energies.

    Args:
        picture, explanation: as `draw_maps` takes them.
        name: of the image.
    """
    cells = _cells(explanation)
    first = [Cell("image", _said(explanation.answer)), *_of_kind(cells, "grad_cam")]
    gates, energies = _in_rows(_of_kind(cells, "gate")), _in_rows(_of_kind(cells, "energy"))
    rows = _in_rows(first) + [row for pair in zip(gates, energies, strict=True) for row in pair]
    return _arrange([[draw_cell(picture, cell, side=_SHEET_SIDE) for cell in row] for row in rows], name)


def _cells(explanation: Explanation) -> Mapping[Kind, Cell]:
    said = explanation.explained.name
    cells: dict[Kind, Cell] = {}
    for layer, values in explanation.grad_cams.items():
        nothing = "" if values.max() > 0 else ", 0 everywhere"
        heat = Heat(relative(values), 0.0, 1.0)
        cells["grad_cam", layer] = Cell(f"Grad-CAM: {said}", _where(layer, values) + nothing, heat)
    for layer, values in explanation.gates.items():
        cells["gate", layer] = Cell("SimAM gate, mean over channels", _where(layer, values), _from(_LEAST_GATE, values))
    for layer, values in explanation.inverse_energies.items():
        heat = _from(_LEAST_INVERSE_ENERGY, values)
        cells["energy", layer] = Cell("SimAM 1/e*, mean over channels", _where(layer, values), heat)
    return cells


def _from(low: float, values: np.ndarray) -> Heat:
    return Heat(values, low, max(low, float(values.max())))


def _where(layer: str, values: np.ndarray) -> str:
    return f"{layer}, {values.shape[0]}x{values.shape[1]}"


def _said(guess: Guess) -> str:
    return f"{guess.name}, {100 * guess.probability:.1f} %"


def _of_kind(cells: Mapping[Kind, Cell], kind: str) -> list[Cell]:
    return [cell for (each, _), cell in cells.items() if each == kind]


def _in_rows(cells: Sequence[Cell]) -> list[Sequence[Cell]]:
    return [cells[start : start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)]


def _arrange(rows: Sequence[Sequence[Image.Image]], name: str) -> Image.Image:
    width, height = rows[0][0].size
    columns = max(len(row) for row in rows)
    bottom = _HEADER + len(rows) * (height + _MARGIN)
    size = (_MARGIN + columns * (width + _MARGIN), bottom + len(_NOTES) * _FOOTER + _MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    for down, row in enumerate(rows):
        for across, drawn in enumerate(row):
            sheet.paste(drawn, (_MARGIN + across * (width + _MARGIN), _HEADER + down * (height + _MARGIN)))
    draw, room = ImageDraw.Draw(sheet), size[0] - 2 * _MARGIN
    draw.text((_MARGIN, _HEADER / 2), shortened(name, room, 20), INK, font(20), anchor="lm")
    for line, note in enumerate(_NOTES):
        draw.text((_MARGIN, bottom + line * _FOOTER), shortened(note, room, 13), INK, font(13), anchor="la")
    return sheet
