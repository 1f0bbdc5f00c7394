"""A run's figures, before everything else."""

from collections.abc import Mapping

from simam_jax.reporting.page.numbers import NOTHING, percent, plain
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.table import Cell, Column, Table, number
from simam_jax.reporting.page.variant import Variant

_SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "top5": "top 5",
    "calibration_error": "calibration error",
}
_NAMES = {"best": "best epoch", "last": "last epoch"}


def figures_section(variant: Variant, *, split: str, evaluated: bool) -> Section:
    """Scores at the best and the last epoch.

    Args:
        variant: the run.
        split: on which they were measured and the best epoch chosen.
        evaluated: whether the run's answers were kept.
    """
    scores = variant.trials[0].scores
    columns = [Column("", numeric=False), Column("epoch"), *(Column(said) for said in _SCORES.values()), Column("loss")]
    rows = [
        [
            Cell(_NAMES[which], which),
            number(found["epoch"], f"{found['epoch']:.0f}"),
            *(number(found.get(name), percent(found.get(name))) for name in _SCORES),
            number(found.get("loss"), plain(found["loss"]) if "loss" in found else NOTHING),
        ]
        for which, found in scores.items()
    ]
    values = {
        "lead": _lead(scores.get("best"), scores.get("last")),
        "table": Table(f"Scores on {split}", columns, rows) if rows else None,
        "split": split,
        "evaluated": evaluated,
    }
    return Section("figures", "How well it does", "figures.html", values)


def _lead(best: Mapping[str, float] | None, last: Mapping[str, float] | None) -> str:
    for found, said in ((best, "the best epoch"), (last, "the last epoch so far")):
        if found and "accuracy" in found:
            recognised = percent(found["accuracy"])
            return f"{recognised} of the images are recognised at {said}, number {found['epoch']:.0f}."
    return "The run has not come to the end of an epoch."
