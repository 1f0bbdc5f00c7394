"""The pictures of an explanation as files of one folder, with what they are of."""

import json
from pathlib import Path

import numpy as np

from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.explanation_pictures import draw_maps, draw_sheet
from simam_jax.reporting.picture_names import layer_stems

_DESCRIPTION = "description.json"


def write_pictures(folder: Path, picture: np.ndarray, explanation: Explanation, *, name: str) -> list[str]:
    """Writes sheet.png, a grad_cam-LAYER.png, gate-LAYER.png or energy-LAYER.png for each map, and description.json.

    The last says of what image they are, what the network answers and which class Grad-CAM is of:
    {"image", "answer", "probability", "explained"}.

    Args:
        folder: an empty one.
        picture, explanation, name: as `draw_sheet` takes them.

    Returns:
        The pictures' names, the sheet first.
    """
    kinds, drawings = zip(*draw_maps(picture, explanation), strict=True)
    layers = list(dict.fromkeys(layer for _, layer in kinds))
    stems = dict(zip(layers, layer_stems(layers), strict=True))
    files = {"sheet.png": draw_sheet(picture, explanation, name=name)}
    files |= {f"{kind}-{stems[layer]}.png": each for (kind, layer), each in zip(kinds, drawings, strict=True)}
    for file, drawing in files.items():
        drawing.save(folder / file)
    (folder / _DESCRIPTION).write_text(json.dumps(_describe(explanation, name), indent=2) + "\n")
    return list(files)


def _describe(explanation: Explanation, name: str) -> dict[str, object]:
    answer = explanation.answer
    return {
        "image": name,
        "answer": answer.name,
        "probability": float(f"{answer.probability:.6g}"),
        "explained": explanation.explained.name,
    }
