"""How each class fares."""

from collections.abc import Iterable, Sequence

from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.page.chart import Chart
from simam_jax.reporting.page.class_chart import ClassRow, draw_classes
from simam_jax.reporting.page.numbers import count, percent, points
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.table import Column, Table, name, number
from simam_jax.reporting.page.variant import Variant, by_network, shown_epoch

# More rows than these are cut down to the ends.
_MOST = 40


def class_differences(variants: Sequence[Variant]) -> Section | None:
    """Of each network and attention, what becomes of each class, the largest gain first."""
    charts = []
    for network, group in by_network(variants).items():
        baseline = next((variant for variant in group if variant.is_baseline), None)
        charts += [
            _differences(network, baseline, variant, seeds)
            for variant in group
            if baseline and not variant.is_baseline and (seeds := _common_seeds(baseline, variant))
        ]
    if not charts:
        return None
    values = {"charts": charts, "compared": True, "table": None, "epoch": shown_epoch(variants)}
    return Section("classes", "Class by class", "classes.html", values)


def class_table(variant: Variant) -> Section | None:
    """A run's classes with recall, precision and F1."""
    if not variant.answers:
        return None
    columns = [Column("class", numeric=False)]
    columns += [Column(title) for title in ("images", "recognised", "recall", "precision", "F1")]
    rows = [
        [
            name(score.name),
            number(score.images, count(score.images)),
            number(score.correct, count(score.correct)),
            *(number(value, percent(value)) for value in (score.recall, score.precision, score.f1)),
        ]
        for score in variant.answers[0].scores
    ]
    table = Table("Classes, best epoch", columns, rows, sortable=True)
    return Section("classes", "Class by class", "classes.html", {"charts": [], "compared": False, "table": table})


def _common_seeds(baseline: Variant, variant: Variant) -> list[int]:
    return [seed for seed in variant.answers_by_seed if seed in baseline.answers_by_seed]


def _differences(network: str, baseline: Variant, variant: Variant, seeds: Sequence[int]) -> Chart:
    rows = _rows(*([each.answers_by_seed[seed] for seed in seeds] for each in (baseline, variant)))
    shown = rows if len(rows) <= _MOST else rows[: _MOST // 2] + rows[-_MOST // 2 :]
    note = (
        ""
        if shown is rows
        else f"The {_MOST // 2} classes that gain most and the {_MOST // 2} that lose most, of {len(rows)}."
    )
    title = f"{variant.attention} against none in {network}"
    said = "; ".join(f"{row.name}: {points(row.variant - row.baseline, 1)}" for row in shown)
    drawn = draw_classes(
        shown, (baseline.style, variant.style), label=f"{title}, recall by class, differences in points. {said}."
    )
    columns = [Column("class", numeric=False), Column("images"), Column("none"), Column(variant.attention)]
    columns += [Column("difference, points")]
    cells = [
        [
            name(row.name),
            number(row.images, count(row.images)),
            number(row.baseline, percent(row.baseline)),
            number(row.variant, percent(row.variant)),
            number(row.variant - row.baseline, points(row.variant - row.baseline, 1)),
        ]
        for row in rows
    ]
    return Chart(title, drawn, note, Table(f"{title}: recall by class", columns, cells, sortable=True))


def _rows(baseline: Sequence[Evaluation], variant: Sequence[Evaluation]) -> list[ClassRow]:
    ours, theirs = _recalls(variant), _recalls(baseline)
    images = {score.name: score.images for score in variant[0].scores}
    rows = [ClassRow(each, images[each], theirs[each], ours[each]) for each in ours if each in theirs]
    return sorted(rows, key=lambda row: row.baseline - row.variant)


def _recalls(trials: Iterable[Evaluation]) -> dict[str, float]:
    """The mean over seeds, for classes that have images."""
    found: dict[str, list[float]] = {}
    for answers in trials:
        for score in answers.scores:
            if score.recall is not None:
                found.setdefault(score.name, []).append(score.recall)
    return {each: sum(values) / len(values) for each, values in found.items()}
