"""A run's figures, before everything else."""

from collections.abc import Mapping

from simam_jax.reporting.headline import EPOCHS
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
Scores = Mapping[str, Mapping[str, float]]  # "best" and "last" → by name


def figures_section(variant: Variant, *, split: str, on_eval: Scores, evaluated: bool) -> Section:
    """Scores at the best and the last epoch.

    Args:
        variant: the run.
        split: on which the best epoch was chosen, and the variant's scores were measured.
        on_eval: the same on eval, where that is another split; as far as they were measured.
        evaluated: whether the run's answers were kept.
    """
    scores = variant.trials[0].scores
    values = {
        "lead": _lead(scores.get("best"), scores.get("last")),
        "tables": [_table(each, name) for each, name in ((scores, split), (on_eval, "eval")) if each],
        "split": split,
        "evaluated": evaluated,
    }
    return Section("figures", "How well it does", "figures.html", values)


def _table(scores: Scores, split: str) -> Table:
    columns = [Column("", numeric=False), Column("epoch"), *(Column(said) for said in _SCORES.values()), Column("loss")]
    rows = [
        [
            Cell(EPOCHS[which], which),
            number(found["epoch"], f"{found['epoch']:.0f}"),
            *(number(found.get(name), percent(found.get(name))) for name in _SCORES),
            number(found.get("loss"), plain(found["loss"]) if "loss" in found else NOTHING),
        ]
        for which, found in scores.items()
    ]
    return Table(f"Scores on {split}", columns, rows)


def _lead(best: Mapping[str, float] | None, last: Mapping[str, float] | None) -> str:
    for found, said in ((best, "the best epoch"), (last, "the last epoch so far")):
        if found and "accuracy" in found:
            recognised = percent(found["accuracy"])
            return f"{recognised} of the images are recognised at {said}, number {found['epoch']:.0f}."
    return "The run has not come to the end of an epoch."
