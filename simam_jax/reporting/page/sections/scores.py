"""The study's figures as tables that sort."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from simam_jax.reporting.page.numbers import count, interval, percent, points, probability, scaled, spread
from simam_jax.reporting.page.robust import robust_accuracy
from simam_jax.reporting.page.sections.section import Section, of
from simam_jax.reporting.page.sections.verdict import EPOCHS, SCORES, differences
from simam_jax.reporting.page.table import Cell, Column, Table, name, number
from simam_jax.reporting.page.variant import Variant

_VARIANT = Column("network and attention", numeric=False)
_SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced", "calibration_error": "calibration error"}


def scores_section(variants: Sequence[Variant], *, chosen_on: str, chosen: Sequence[Mapping[str, Any]]) -> Section:
    """Scores, differences with their tests, McNemar's tests, and costs.

    Args:
        variants: of the study.
        chosen_on: the split on which each trial's best epoch was chosen.
        chosen: as StudyFiles has it.
    """
    left_out = [(variant, trial) for variant in variants for trial in variant.trials if trial.state != "done"]
    values = {
        "scores": _scores(variants),
        "differences": _differences(variants),
        "seeds": _seeds(variants),
        "costs": _costs(variants),
        "left_out": [f"{of(v.attention, v.network)}, seed {t.seed}: {t.state}" for v, t in left_out],
        "chosen_on": chosen_on,
        "chosen": [_say_chosen(each) for each in chosen],
    }
    return Section("results", "Results", "scores.html", values)


def _say_chosen(found: Mapping[str, Any]) -> str:
    return (
        f"Of {', '.join(found['among'])} in {found['network']}, val speaks for {found['attention']}: "
        f"{percent(found['val_accuracy'])} there, and {percent(found['accuracy'])} on eval, which had no say in it."
    )


def _scores(variants: Sequence[Variant]) -> Table:
    columns = [_VARIANT, Column("seeds")]
    robust = [[robust_accuracy(trial.robustness) for trial in variant.done] for variant in variants]
    worsened = [[found for found in each if found is not None] for each in robust]
    extra = ["worsened images"] if any(worsened) else []
    columns += [Column(said, EPOCHS["best"]) for said in (*_SCORES.values(), *extra)]
    columns += [Column(said, EPOCHS["last"]) for said in _SCORES.values()]
    rows = []
    for variant, robust_accuracies in zip(variants, worsened, strict=True):
        best, last = ([_spread(variant.scores(epoch, score)) for score in _SCORES] for epoch in EPOCHS)
        seeds = len(variant.done)
        row = [_name(variant), number(seeds, str(seeds)), *best]
        rows.append([*row, *(_spread(robust_accuracies) for _ in extra), *last])
    return Table("Scores: mean ± standard deviation over seeds", columns, rows, sortable=True)


def _name(variant: Variant) -> Cell:
    return name(f"{variant.network}, {variant.attention}")


def _spread(values: Sequence[float]) -> Cell:
    return Cell(spread(values), mean(values) if values else None)


def _differences(variants: Sequence[Variant]) -> Table | None:
    columns = [_VARIANT, Column("score", numeric=False), Column("epoch", numeric=False)]
    columns += [
        Column("difference, points"),
        Column("over seeds", "95 % interval"),
        Column("over seeds and images", "95 % interval"),
        Column("p"),
        Column("smallest possible p"),
        Column("p after Holm"),
        Column("verdict", numeric=False),
    ]
    rows = []
    for variant in variants:
        found = [(EPOCHS[epoch], SCORES[score], each) for epoch, score, each in differences(variant)]
        found += [
            (EPOCHS["best"], "accuracy, " + ("all worsened" if kind == "all" else f"under {kind}"), each["accuracy"])
            for kind, each in (variant.comparison.get("robustness") or {}).items()
            if each
        ]
        for epoch, score, each in found:
            paired, test = each["paired"], each["significance"]
            inner, outer = paired["interval"], each["over_seeds_and_images"]
            rows.append(
                [
                    _name(variant),
                    name(score),
                    name(epoch),
                    number(paired["difference"], points(paired["difference"])),
                    Cell(interval(inner), inner and inner["low"]),
                    Cell(interval(outer), outer and outer["low"]),
                    number(test["p"], probability(test["p"])),
                    number(test["smallest_p"], probability(test["smallest_p"])),
                    number(test["corrected_p"], probability(test["corrected_p"])),
                    name(each["verdict"]["outcome"]),
                ]
            )
    caption = "Differences: with the attention less without, paired by seed"
    return Table(caption, columns, rows, sortable=True) if rows else None


def _seeds(variants: Sequence[Variant]) -> Table | None:
    columns = [_VARIANT, Column("seed")]
    columns += [Column("only with", "images recognised"), Column("only without", "images recognised"), Column("p")]
    rows = [
        [
            _name(variant),
            number(each["seed"], str(each["seed"])),
            number(each["only_variant"], count(each["only_variant"])),
            number(each["only_baseline"], count(each["only_baseline"])),
            number(each["p"], probability(each["p"])),
        ]
        for variant in variants
        for each in (variant.comparison.get("best") or {}).get("mcnemar", ())
    ]
    return (
        Table("McNemar's test of each seed's two networks, best epoch", columns, rows, sortable=True) if rows else None
    )


def _costs(variants: Sequence[Variant]) -> Table | None:
    kinds = {
        "parameters": ("parameters", 1, 0),
        "multiply_adds": ("multiply-adds, millions", 1e6, 1),
        "train_ms_per_image": ("training, ms an image", 1, 2),
        "inference_ms_per_image": ("inference, ms an image", 1, 2),
        "peak_bytes": ("peak memory, MiB", 2**20, 0),
    }
    there = {key: kind for key, kind in kinds.items() if any(key in variant.figures for variant in variants)}
    columns = [_VARIANT]
    columns += [Column(said) for said, *_ in there.values()]
    rows = [
        [
            _name(variant),
            *(
                number(variant.figures.get(key), scaled(variant.figures.get(key), unit, digits))
                for key, (_, unit, digits) in there.items()
            ),
        ]
        for variant in variants
    ]
    return Table("What each costs", columns, rows, sortable=True) if there else None
