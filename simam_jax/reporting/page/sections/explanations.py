"""What the networks look at in a few images, with and without the attention."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from simam_jax.errors import UsageError
from simam_jax.reporting.json_file import read_object
from simam_jax.reporting.page.numbers import percent
from simam_jax.reporting.page.pictures import embedded
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.variant import Variant

KINDS = {"grad_cam": "Grad-CAM", "gate": "SimAM gate", "energy": "SimAM 1/e*"}
_MOST_IMAGES, _SIDE = 6, 300
# Of more maps than these only the last of each size stays unfolded.
_MOST_MAPS = 6


class Picture(NamedTuple):
    """An image, or a map over it."""

    uri: str
    where: str
    alt: str


class Stages(NamedTuple):
    """Maps of one kind in one network, in its order; those of a deep network that are folded apart."""

    title: str
    shown: Sequence[Picture]
    folded: Sequence[Picture]


class Looked(NamedTuple):
    """One image in one network: itself, Grad-CAM of each variant; gates and energies of those that have SimAM."""

    title: str
    said: Sequence[str]
    explained: str
    image: Picture | None
    grad_cams: Sequence[Picture]
    stages: Sequence[Stages]


class _Map(NamedTuple):
    file: str
    kind: str
    layer: str
    size: tuple[int, ...]


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


def _look(image: str, folders: Mapping[str, Path]) -> Looked:
    descriptions = {attention: _description(folder / image) for attention, folder in folders.items()}
    path = next((str(found["image"]) for found in descriptions.values() if "image" in found), image)
    title = "/".join(PurePath(path).parts[-2:])
    said, grad_cams, stages = [], [], []
    for attention, found in descriptions.items():
        folder = folders[attention] / image
        if "answer" in found:
            sure = found.get("probability")
            said.append(f"{attention} answers {found['answer']}" + (f", {percent(sure)}" if sure is not None else ""))
        of_class = f" for class {found['explained']}" if "explained" in found else ""
        maps = _maps(folder, found)
        for each in (each for each in maps if each.kind == "grad_cam"):
            alt = f"Grad-CAM of {title}{of_class}, network with {attention}, layer {each.layer}"
            grad_cams += _picture(folder / each.file, f"{attention}{of_class}, {each.layer}", alt)
        for kind in ("gate", "energy"):
            shown, folded = _last_of_each_size([each for each in maps if each.kind == kind])
            said_of = f"{KINDS[kind]} of {title}, network with {attention}, layer"
            drawn, hidden = (
                [
                    picture
                    for each in part
                    for picture in _picture(folder / each.file, each.layer, f"{said_of} {each.layer}")
                ]
                for part in (shown, folded)
            )
            if drawn:
                stages.append(Stages(f"{KINDS[kind]}, {attention}", drawn, hidden))
    classes = {str(found["explained"]) for found in descriptions.values() if "explained" in found}
    plain = [
        picture
        for f in folders.values()
        for picture in _picture(f / image / "image.png", "the image", f"The image {title}")
    ]
    explained = classes.pop() if len(classes) == 1 else ""
    return Looked(title, said, explained, plain[0] if plain else None, grad_cams, stages)


def _last_of_each_size(maps: Sequence[_Map]) -> tuple[list[_Map], list[_Map]]:
    """Of few maps all, of many the last of each size, which is a stage's; and the rest."""
    if len(maps) <= _MOST_MAPS:
        return list(maps), []
    last = {each.size: each for each in maps}
    return list(last.values()), [each for each in maps if last[each.size] != each]


def _maps(folder: Path, description: Mapping[str, Any]) -> list[_Map]:
    """In the order in which the network has them."""
    try:
        return [
            _Map(PurePath(str(each["file"])).name, str(each["kind"]), str(each["layer"]), tuple(each["size"]))
            for each in description["maps"]
        ]
    except (KeyError, TypeError):
        return [_named(file) for kind in KINDS for file in sorted(folder.glob(f"{kind}-*.png"))]


def _named(file: Path) -> _Map:
    kind, _, layer = file.stem.partition("-")
    return _Map(file.name, kind, layer, ())


def _picture(file: Path, where: str, alt: str) -> Iterable[Picture]:
    uri = embedded(file, _SIDE) if file.is_file() else None
    return [Picture(uri, where, alt)] if uri else []


def _description(folder: Path) -> dict[str, Any]:
    try:
        return read_object(folder / "description.json")
    except UsageError:
        return {}
