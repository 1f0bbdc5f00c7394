"""The pictures of an explanation as files of one folder."""

from pathlib import Path

import numpy as np

from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.explanation_pictures import draw_maps, draw_sheet
from simam_jax.reporting.picture_names import layer_stems


def write_pictures(folder: Path, picture: np.ndarray, explanation: Explanation, *, name: str) -> list[str]:
    """Writes sheet.png and a grad_cam-LAYER.png, gate-LAYER.png or energy-LAYER.png for each map.

    Args:
        folder: an empty one.
        picture, explanation, name: as `draw_sheet` takes them.

    Returns:
        The files' names, the sheet first.
    """
    kinds, drawings = zip(*draw_maps(picture, explanation), strict=True)
    layers = list(dict.fromkeys(layer for _, layer in kinds))
    stems = dict(zip(layers, layer_stems(layers), strict=True))
    files = {"sheet.png": draw_sheet(picture, explanation, name=name)}
    files |= {f"{kind}-{stems[layer]}.png": each for (kind, layer), each in zip(kinds, drawings, strict=True)}
    for file, drawing in files.items():
        drawing.save(folder / file)
    return list(files)
