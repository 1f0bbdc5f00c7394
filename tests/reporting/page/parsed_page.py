"""A page as its elements."""

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "br", "wbr", "input", "hr"}


@dataclass
class Element:
    """An element's name, attributes, and the text below it."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class ParsedPage(HTMLParser):
    """What a page has; raises where an element is not closed in turn.

    Attributes:
        elements: in order.
    """

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self._open: list[Element] = []

    @classmethod
    def of(cls, text: str) -> "ParsedPage":
        page = cls()
        page.feed(text)
        page.close()
        assert not page._open, f"never closed: {[each.name for each in page._open]}"
        return page

    def named(self, name: str) -> list[Element]:
        return [each for each in self.elements if each.name == name]

    def headings(self) -> list[str]:
        return [each.text.strip() for each in self.named("h2")]

    def repeated_ids(self) -> list[str]:
        counted = Counter(each.attributes["id"] for each in self.elements if "id" in each.attributes)
        return [name for name, times in counted.items() if times > 1]

    def handle_starttag(self, tag, attrs):
        found = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(found)
        if tag not in _VOID:
            self._open.append(found)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        last = self._open.pop()
        assert last.name == tag, f"</{tag}> where <{last.name}> is open"

    def handle_data(self, data):
        for each in self._open:
            each.text += data
