"""The pictures of an explanation as files of one folder, with what they are of."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.explanation_pictures import Kind, draw_image, draw_maps, draw_sheet
from simam_jax.reporting.picture_names import layer_stems

_DESCRIPTION = "description.json"


def write_pictures(folder: Path, picture: np.ndarray, explanation: Explanation, *, name: str) -> list[str]:
    """Writes sheet.png, image.png, a grad_cam-LAYER.png, gate-LAYER.png or energy-LAYER.png for each map, and
    description.json.

    The last says of what image they are, what the network answers, which class Grad-CAM is of, and of each map, in the
    network's order: {"image", "answer", "probability", "explained", "maps": [{"file", "kind", "layer", "size"}, …]}.

    Args:
        folder: an empty one.
        picture, explanation, name: as `draw_sheet` takes them.

    Returns:
        The pictures' names, the sheet first.
    """
    kinds, drawings = zip(*draw_maps(picture, explanation), strict=True)
    layers = list(dict.fromkeys(layer for _, layer in kinds))
    stems = dict(zip(layers, layer_stems(layers), strict=True))
    names = [f"{kind}-{stems[layer]}.png" for kind, layer in kinds]
    files = {
        "sheet.png": draw_sheet(picture, explanation, name=name),
        "image.png": draw_image(picture, name=name),
        **dict(zip(names, drawings, strict=True)),
    }
    for file, drawing in files.items():
        drawing.save(folder / file)
    description = _describe(explanation, name) | {"maps": _list_maps(explanation, dict(zip(kinds, names, strict=True)))}
    (folder / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
    return list(files)


def _list_maps(explanation: Explanation, files: Mapping[Kind, str]) -> list[dict[str, object]]:
    maps = {"grad_cam": explanation.grad_cams, "gate": explanation.gates, "energy": explanation.inverse_energies}
    return [
        {"file": file, "kind": kind, "layer": layer, "size": list(maps[kind][layer].shape)}
        for (kind, layer), file in files.items()
    ]


def _describe(explanation: Explanation, name: str) -> dict[str, object]:
    answer = explanation.answer
    return {
        "image": name,
        "answer": answer.name,
        "probability": float(f"{answer.probability:.6g}"),
        "explained": explanation.explained.name,
    }
