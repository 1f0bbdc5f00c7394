"""A part of the page under a heading of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """What a template is filled with.

    Attributes:
        anchor: its place in the page's address.
        title: its heading.
        template: the file's name in templates/.
        values: by the names that the template uses.
    """

    anchor: str
    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


def of(attention: str, network: str) -> str:
    """A variant in words: "towernet with simam", "towernet without attention"."""
    return f"{network} without attention" if attention == "none" else f"{network} with {attention}"
