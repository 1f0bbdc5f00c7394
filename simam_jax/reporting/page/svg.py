"""SVG elements as safe text."""

from markupsafe import Markup, escape

Number = float | int


def element(name: str, *content: str, **attributes: object) -> Markup:
    """`<name …>content</name>`, with everything escaped that is not markup already.

    Args:
        name: of the element.
        content: markup, or text.
        attributes: by name, "_" standing for "-" and a last "_" for nothing, as in `class_`; those that are None are
            left out, and numbers are written with up to two decimals.
    """
    written = Markup().join(
        Markup(' {}="{}"').format(key.removesuffix("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup().join(escape(each) for each in content)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inside)


def drawing(width: Number, height: Number, *content: str, label: str) -> Markup:
    """A whole picture of a size in its own units, which a browser scales; `label` says in words what it shows."""
    return element(
        "svg", *content, viewBox=f"0 0 {_value(width)} {_value(height)}", role="img", aria_label=label, class_="chart"
    )


def text(x: Number, y: Number, content: str, *, anchor: str = "start", class_: str | None = None) -> Markup:
    """A line of text whose start, middle or end (`anchor`) is at x, its baseline at y."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=class_)


def shortened(content: str, most: int) -> str:
    """A name of at most so many signs, its end left out where it is longer."""
    return content if len(content) <= most else content[: most - 1] + "…"


def path(points: list[tuple[Number, Number]]) -> str:
    """The `d` of straight lines through points."""
    return "M" + "L".join(f"{_value(x)} {_value(y)}" for x, y in points)


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
