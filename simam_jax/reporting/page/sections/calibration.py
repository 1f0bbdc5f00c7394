"""Whether networks are right as often as they say."""

from collections.abc import Sequence

import numpy as np

from simam_jax.reporting.calibration import Reliability, calibration_error, reliability
from simam_jax.reporting.page.chart import Chart
from simam_jax.reporting.page.numbers import count, percent, spread
from simam_jax.reporting.page.reliability_chart import draw_reliability
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.table import Cell, Column, Table, number
from simam_jax.reporting.page.variant import Variant, by_network, shown_epoch


def calibration_section(variants: Sequence[Variant]) -> Section | None:
    """Of each network a reliability diagram, the seeds of an attention together."""
    networks = []
    for network, group in by_network(variants).items():
        answered = [variant for variant in group if variant.answers]
        if answered:
            legend = [(v.attention, v.style, f"calibration error {_error(v)}") for v in answered]
            networks.append((network, legend, _chart(answered)))
    values = {"networks": networks, "epoch": shown_epoch(variants)}
    return Section("calibration", "Calibration", "calibration.html", values) if networks else None


def _chart(variants: Sequence[Variant]) -> Chart:
    diagrams = {variant.attention: (variant.style, _diagram(variant)) for variant in variants}
    said = "; ".join(
        f"{name}: "
        + ", ".join(
            f"of answers given at {percent(e.confidence, 0)}, {percent(e.accuracy, 0)} were right"
            for e in bins
            if e.count
        )
        for name, (_, bins) in diagrams.items()
    )
    columns = [Column("confidence", numeric=False)]
    columns += [Column(title, name) for name in diagrams for title in ("images", "mean confidence", "recognised")]
    rows = [
        [
            Cell(f"{percent(bins[0].above, 0)} to {percent(bins[0].upto, 0)}", bins[0].above),
            *(
                cell
                for each in bins
                for cell in (
                    number(each.count, count(each.count)),
                    number(each.confidence, percent(each.confidence)),
                    number(each.accuracy, percent(each.accuracy)),
                )
            ),
        ]
        for bins in zip(*(bins for _, bins in diagrams.values()), strict=True)
        if any(each.count for each in bins)
    ]
    drawn = draw_reliability(diagrams, label=f"Reliability diagram. {said}.")
    return Chart("Reliability", drawn, numbers=Table("Reliability, all seeds together", columns, rows))


def _diagram(variant: Variant) -> list[Reliability]:
    correct = [each.labels == each.predictions for each in variant.answers]
    return reliability(np.concatenate(correct), np.concatenate([each.probabilities for each in variant.answers]))


def _error(variant: Variant) -> str:
    return spread(
        [
            calibration_error(reliability(each.labels == each.predictions, each.probabilities))
            for each in variant.answers
        ]
    )
