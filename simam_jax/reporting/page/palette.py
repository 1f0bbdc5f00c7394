"""Which colour and dash a line has."""

from collections.abc import Sequence

BASELINE = "none"
# Colours and dashes are in page.css: one of each for none and for every other attention that there is.
STYLES = 12
_SIMAM = "simam"


def styles(attentions: Sequence[str]) -> dict[str, int]:
    """A style for each attention: 0 for none, 1 for the first SimAM, the rest in order.

    Style 1 is blue, as the curve with SimAM is in the seed's picture.
    """
    first = next((each for each in attentions if each.split(":")[0] == _SIMAM), None)
    rest = [each for each in dict.fromkeys(attentions) if each not in (BASELINE, first)]
    return {BASELINE: 0} | ({first: 1} if first else {}) | {each: 2 + place for place, each in enumerate(rest)}


def style_class(style: int) -> str:
    """The stylesheet's classes of colour and dash.

    Beyond the last the colours come again, but never the baseline's; at each round with the next one's dash.
    """
    if not style:
        return "s s0 d0"
    again, place = divmod(style - 1, STYLES - 1)
    return f"s s{1 + place} d{1 + (place + again) % (STYLES - 1)}"
