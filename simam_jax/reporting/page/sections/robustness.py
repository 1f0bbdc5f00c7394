"""How accuracy falls as images become worse."""

from collections.abc import Sequence

from simam_jax.reporting.page.axis import Axis, percent_axis
from simam_jax.reporting.page.chart import Chart
from simam_jax.reporting.page.line_chart import Line, draw_lines
from simam_jax.reporting.page.numbers import percent
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.table import Column, Table, name, number
from simam_jax.reporting.page.variant import Variant, by_network, shown_epoch
from simam_jax.reporting.robustness import corruptions

Found = dict[int, list[float]]  # strength → the accuracy of each seed


def robustness_section(variants: Sequence[Variant]) -> Section | None:
    """Of each network a chart a corruption, a line an attention."""
    networks = []
    for network, group in by_network(variants).items():
        measured = [(variant, _by_kind(variant)) for variant in group]
        kinds = list(dict.fromkeys(kind for _, found in measured for kind in found))
        charts = [_chart(kind, [(v, found[kind]) for v, found in measured if kind in found]) for kind in kinds]
        if charts:
            legend = [(variant.attention, variant.style, "") for variant, found in measured if found]
            networks.append((network, legend, charts))
    values = {"networks": networks, "epoch": shown_epoch(variants)}
    return Section("robustness", "Robustness", "robustness.html", values) if networks else None


def _by_kind(variant: Variant) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for trial in variant.done:
        for kind, by_strength in corruptions(trial.robustness_at(trial.shown)).items():
            for strength, accuracy in by_strength.items():
                found.setdefault(kind, {}).setdefault(strength, []).append(accuracy)
    return found


def _chart(kind: str, lines: Sequence[tuple[Variant, Found]]) -> Chart:
    every = [value for _, found in lines for values in found.values() for value in values]
    strengths = sorted({strength for _, found in lines for strength in found})
    labels = tuple("clean" if strength == 0 else str(strength) for strength in strengths)
    across = Axis(
        float(strengths[0]), float(strengths[-1]) + (len(strengths) == 1), tuple(strengths), labels, "strength"
    )
    drawn = draw_lines(
        [
            Line(
                variant.attention,
                variant.style,
                list(found),
                [sum(values) / len(values) for values in found.values()],
                [min(values) for values in found.values()],
                [max(values) for values in found.values()],
            )
            for variant, found in lines
        ],
        across,
        percent_axis(min(every), max(every)),
        label=f"Accuracy by strength of {kind}. "
        + "; ".join(f"{v.attention}: {_said(found)}" for v, found in lines)
        + ".",
        height=230,
    )
    rows = [[name(v.attention), *(_mean(found.get(strength)) for strength in strengths)] for v, found in lines]
    columns = [Column("attention", numeric=False), *(Column(label) for label in labels)]
    return Chart(f"{kind.capitalize()}, accuracy in %", drawn, numbers=Table(f"{kind}: mean accuracy", columns, rows))


def _mean(values: Sequence[float] | None):
    value = sum(values) / len(values) if values else None
    return number(value, percent(value))


def _said(found: Found) -> str:
    return ", ".join(
        f"{percent(sum(values) / len(values))} at {strength or 'clean'}" for strength, values in found.items()
    )
