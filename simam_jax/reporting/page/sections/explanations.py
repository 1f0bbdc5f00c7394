"""What the networks look at in a few images, with and without the attention."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from simam_jax.errors import UsageError
from simam_jax.reporting.page.json_file import read_object
from simam_jax.reporting.page.numbers import percent
from simam_jax.reporting.page.pictures import embedded
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.variant import Variant

KINDS = {"grad_cam": "Grad-CAM", "gate": "SimAM gate", "energy": "SimAM 1/e*"}
_MOST_IMAGES, _SIDE = 6, 300


class Picture(NamedTuple):
    """A map over its image."""

    uri: str
    kind: str
    where: str
    alt: str


class Looked(NamedTuple):
    """The maps of one image in one network: Grad-CAM of each variant; gates and energies of those that have SimAM."""

    title: str
    said: Sequence[str]
    grad_cams: Sequence[Picture]
    stages: Sequence[tuple[str, Sequence[Picture]]]


def explanations_section(study: Path, variants: Sequence[Variant]) -> Section | None:
    """Pictures from STUDY/explanations/NETWORK-ATTENTION/IMAGE/, an image's of all attentions side by side."""
    networks = []
    for network in dict.fromkeys(variant.network for variant in variants):
        folders = {
            variant.attention: study / "explanations" / folder_name(network, variant.attention)
            for variant in variants
            if variant.network == network
        }
        there = {attention: folder for attention, folder in folders.items() if folder.is_dir()}
        images = list(
            dict.fromkeys(path.name for folder in there.values() for path in sorted(folder.iterdir()) if path.is_dir())
        )
        looked = [_look(image, there) for image in images[:_MOST_IMAGES]]
        if shown := [each for each in looked if each.grad_cams or each.stages]:
            networks.append((network, shown))
    return (
        Section("explanations", "What it looks at", "explanations.html", {"networks": networks}) if networks else None
    )


def folder_name(network: str, attention: str) -> str:
    """As a study names the folders of a variant."""
    return re.sub(r"[^\w.=+-]+", "-", f"{network}-{attention}")


def _look(image: str, folders: dict[str, Path]) -> Looked:
    grad_cams, stages, said, title = [], [], [], image
    for attention, folder in folders.items():
        found = _description(folder / image)
        if "image" in found:
            title = "/".join(PurePath(str(found["image"])).parts[-2:])
        if "answer" in found:
            sure = found.get("probability")
            said.append(f"{attention} answers {found['answer']}" + (f", {percent(sure)}" if sure is not None else ""))
        for picture in _pictures(folder / image, attention, title):
            if picture.kind == KINDS["grad_cam"]:
                grad_cams.append(picture)
            else:
                stages.append((f"{picture.kind}, {attention}", picture))
    rows = {
        row: [picture for each, picture in stages if each == row] for row in dict.fromkeys(row for row, _ in stages)
    }
    return Looked(title, said, grad_cams, list(rows.items()))


def _pictures(folder: Path, attention: str, image: str) -> list[Picture]:
    found = []
    for kind, title in KINDS.items():
        for file in sorted(folder.glob(f"{kind}-*.png")):
            layer = file.stem.removeprefix(f"{kind}-")
            where = f"{attention}, {layer}" if kind == "grad_cam" else layer
            if uri := embedded(file, _SIDE):
                found.append(Picture(uri, title, where, f"{title} of {image}, network with {attention}, layer {layer}"))
    return found


def _description(folder: Path) -> dict[str, Any]:
    try:
        return read_object(folder / "description.json")
    except UsageError:
        return {}
