"""A row a class, with bars for how many images it has in each split."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from simam_jax.reporting.page.numbers import count
from simam_jax.reporting.page.palette import style_class
from simam_jax.reporting.page.svg import drawing, element, shortened, text

_WIDTH, _ROW, _TOP = 420, 27, 6
_LEFT, _RIGHT = 132, 368
_THICK = 9.0
# Of the first split and of the second; neither is an attention's that a study is likely to have.
BAR_STYLES = (6, 5)


def draw_bars(counts: Mapping[str, Mapping[str, int]], classes: Sequence[str], *, label: str) -> Markup:
    """Bars that begin at one line, the first split above.

    Args:
        counts: split → class → images.
        classes: from top to bottom.
        label: the same in words.
    """
    largest = max((split.get(name, 0) for split in counts.values() for name in classes), default=0) or 1
    height = _TOP + _ROW * len(classes) + 4
    parts = [element("line", x1=_LEFT, x2=_LEFT, y1=_TOP, y2=height - 4, class_="axis")]
    for row, name in enumerate(classes):
        top = _TOP + _ROW * row
        parts.append(text(_LEFT - 8, top + 16, shortened(name, 18), anchor="end"))
        for place, split in enumerate(counts.values()):
            number = split.get(name, 0)
            y, width = top + 2 + place * (_THICK + 1), (_RIGHT - _LEFT) * number / largest
            parts.append(
                element(
                    "rect", x=_LEFT, y=y, width=width, height=_THICK, class_=f"bar {style_class(BAR_STYLES[place])}"
                )
            )
            parts.append(text(_LEFT + width + 5, y + 9, count(number), class_="small"))
    return drawing(_WIDTH, height, *parts, label=label)
