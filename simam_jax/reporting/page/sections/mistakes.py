"""The images of whose wrong answers the networks were surest, as pictures."""

from collections.abc import Sequence
from typing import NamedTuple

from simam_jax.reporting.page.data_folder import DataFolder
from simam_jax.reporting.page.mistakes import Mistaken, most_confident_mistakes
from simam_jax.reporting.page.numbers import percent
from simam_jax.reporting.page.pictures import embedded
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.variant import Variant, by_network, shown_epoch

_MOST, _SIDE = 12, 200


class Shown(NamedTuple):
    """A picture, "" where there is none, and what is said of it."""

    picture: str
    name: str
    truth: str
    lines: Sequence[str]


def mistakes_section(variants: Sequence[Variant], data: DataFolder | None) -> Section | None:
    """Of each network up to twelve images, with what its attentions took them for; without pictures, it says why."""
    networks = []
    for network, group in by_network(variants).items():
        groups = {variant.attention: variant.answers for variant in group if variant.answers}
        try:
            found = most_confident_mistakes(groups, _MOST)
        except ValueError as error:
            networks.append((network, [], f"Not shown: {error}."))
            continue
        if groups:
            shown = [_shown(each, data) for each in found]
            networks.append((network, shown, "" if found else "No image was taken for anything else."))
    if not networks:
        return None
    values = {"networks": networks, "missing": _missing(data), "epoch": shown_epoch(variants)}
    return Section("mistakes", "The most confident mistakes", "mistakes.html", values)


def _shown(mistaken: Mistaken, data: DataFolder | None) -> Shown:
    file = data.image(mistaken.name) if data and data.in_files else None
    lines = []
    for attention, (wrong, trials, answer, sure) in mistaken.answers.items():
        who = "" if len(mistaken.answers) == 1 else f"{attention}: "
        if not wrong:
            lines.append(f"{who}right in all {trials}" if trials > 1 else f"{who}right")
        elif trials == 1:
            lines.append(f"{who}taken for {answer}, {percent(sure, 0)}")
        else:
            lines.append(f"{who}wrong in {wrong} of {trials}, mostly {answer}, {percent(sure, 0)}")
    return Shown((embedded(file, _SIDE) or "") if file else "", mistaken.name, mistaken.truth, lines)


def _missing(data: DataFolder | None) -> str:
    if data is None:
        return "The folder of the images is not where the run says, so there are no pictures."
    return "" if data.in_files else "The images are stored in shards, of which this page shows no pictures."
