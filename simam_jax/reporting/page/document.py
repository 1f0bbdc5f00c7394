"""The whole page as text."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from simam_jax.reporting.page.palette import style_class
from simam_jax.reporting.page.sections.section import Section

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Document:
    """What a page says.

    Attributes:
        title: the heading, and the window's.
        lead: a sentence on what this is.
        facts: (name, value), shown below it.
        sections: in order.
    """

    title: str
    lead: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]


def render(document: Document) -> str:
    """One HTML file with all its styles, script and pictures; it asks nothing of a network, and forbids itself to."""
    style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    # Between the tags the bytes must be those that the digest is of.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.html")
        .render(document=document, style=Markup(style), script=Markup(script), digest=digest)
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["style_class"] = style_class
    return environment
