"""The images that networks learned from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from simam_jax.reporting.page.bar_chart import BAR_STYLES, draw_bars
from simam_jax.reporting.page.chart import Chart
from simam_jax.reporting.page.numbers import count, percent
from simam_jax.reporting.page.pictures import embedded
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.table import Column, Table, name, number

_MOST, _SIDE = 60, 900
Counts = Mapping[str, Mapping[str, int]]  # split → class → images


def data_section(title: str, classes: Sequence[str], counts: Counts, preview: Path | None) -> Section | None:
    """The picture of some images, and how many there are of each class.

    Args:
        title: what the data is called.
        classes: in label order.
        counts: empty where they are not known.
        preview: the picture; None where there is none.
    """
    picture = embedded(preview, _SIDE) if preview else None
    chart = _chart(classes, counts) if counts else None
    if picture is None and chart is None:
        return None
    values = {"picture": picture, "chart": chart, "title": title, "classes": classes, "said": _said(classes, counts)}
    values["legend"] = [(split, style, "") for split, style in zip(counts, BAR_STYLES, strict=False)]
    return Section("data", "The data", "data.html", values)


def _said(classes: Sequence[str], counts: Counts) -> str:
    if not counts:
        return ""
    totals = ", ".join(f"{count(sum(split.values()))} {name_}" for name_, split in counts.items())
    tested = counts.get("eval") or {}
    if not sum(tested.values()):
        return f"{len(classes)} classes; images: {totals}."
    largest = max(tested, key=lambda each: tested[each])
    share = tested[largest] / sum(tested.values())
    return (
        f"{len(classes)} classes; images: {totals}. Always answering {largest} would be right for {percent(share)} of "
        f"the eval images, with a balanced accuracy of {percent(1 / sum(1 for n in tested.values() if n))}."
    )


def _chart(classes: Sequence[str], counts: Counts) -> Chart:
    shown = list(classes[:_MOST])
    note = "" if len(classes) <= _MOST else f"The first {_MOST} of {len(classes)} classes; the table has all."
    said = "; ".join(
        f"{each}: " + ", ".join(f"{n.get(each, 0)} {split}" for split, n in counts.items()) for each in shown
    )
    rows = [
        [name(each), *(number(split.get(each, 0), count(split.get(each, 0))) for split in counts.values())]
        for each in classes
    ]
    columns = [Column("class", numeric=False), *(Column(split) for split in counts)]
    table = Table("Images of each class", columns, rows, sortable=True)
    return Chart("Images of each class", draw_bars(counts, shown, label=f"Images by class. {said}."), note, table)
