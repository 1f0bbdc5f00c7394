"""The study's figures as tables that sort."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from simam_jax.reporting.costs_text import costs_note
from simam_jax.reporting.headline import EPOCHS, headline_epoch, in_order
from simam_jax.reporting.page.numbers import (
    NOTHING,
    count,
    interval,
    percent,
    points,
    probability,
    scaled,
    several,
    spread,
)
from simam_jax.reporting.page.sections.section import Section, of
from simam_jax.reporting.page.sections.verdict import SCORES, differences
from simam_jax.reporting.page.table import Cell, Column, Table, name, number
from simam_jax.reporting.page.variant import Variant
from simam_jax.reporting.robustness import robust_accuracy
from simam_jax.reporting.unfinished import seeds_and_pairs

_VARIANT = Column("network and attention", numeric=False)
_WHAT = {"costs": "costs", "pictures": "pictures of what it looks at"}
_SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced", "calibration_error": "calibration error"}


def scores_section(
    variants: Sequence[Variant],
    *,
    chosen_on: str,
    chosen: Sequence[Mapping[str, Any]],
    lacking: Sequence[Mapping[str, str]] = (),
) -> Section:
    """Scores, differences with their tests, McNemar's tests, and costs.

    Args:
        variants: of the study.
        chosen_on: the split on which each trial's best epoch was chosen.
        chosen, lacking: as StudyFiles has them.
    """
    values = {
        "scores": _scores(variants, chosen_on),
        "differences": _differences(variants, chosen_on),
        "seeds": _seeds(variants, chosen_on),
        "costs": _costs(variants),
        "costs_note": costs_note(
            {of(v.attention, v.network): v.memory for v in variants if v.figures.get("peak_bytes") is not None}
        ),
        "chosen_on": chosen_on,
        "chosen": [_say_chosen(each) for each in chosen],
        "lacking": [f"{_WHAT[each['what']]} of {of(each['attention'], each['network'])}" for each in lacking],
    }
    return Section("results", "Results", "scores.html", values)


def _say_chosen(found: Mapping[str, Any]) -> str:
    seeds, left_out = found.get("seeds", ()), found.get("left_out", ())
    return (
        f"Of {', '.join(found['among'])} in {found['network']}, val speaks for {found['attention']}: "
        f"{percent(found['val_accuracy'])} there, and {percent(found['accuracy'])} on eval, which had no say in it."
        + (f" Means over the {several(len(seeds), 'seed')} that all of them have." if seeds else "")
        + (f" Left out, without a finished trial: {', '.join(left_out)}." if left_out else "")
    )


def _scores(variants: Sequence[Variant], chosen_on: str) -> Table:
    columns = [_VARIANT, Column("seeds")]
    headline = headline_epoch(chosen_on)
    counts = [(len(variant.done), variant.comparison.get(headline)) for variant in variants]
    rows = [
        [_name(variant), number(seeds, seeds_and_pairs(seeds, comparison))]
        for variant, (seeds, comparison) in zip(variants, counts, strict=True)
    ]
    for epoch, said in in_order(chosen_on).items():
        columns += [Column(title, said) for title in _SCORES.values()]
        for row, variant in zip(rows, variants, strict=True):
            row += [_spread(variant.scores(epoch, score)) for score in _SCORES]
        worsened = [_worsened(variant, epoch) for variant in variants]
        if any(worsened):
            columns.append(Column("worsened images", said))
            for row, values in zip(rows, worsened, strict=True):
                row.append(_spread(values))
    return Table("Scores: mean ± standard deviation over seeds", columns, rows, sortable=True)


def _worsened(variant: Variant, epoch: str) -> list[float]:
    found = [robust_accuracy(trial.robustness_at(epoch)) for trial in variant.done]
    return [value for value in found if value is not None]


def _name(variant: Variant) -> Cell:
    return name(f"{variant.network}, {variant.attention}")


def _spread(values: Sequence[float]) -> Cell:
    return Cell(spread(values), mean(values) if values else None)


def _differences(variants: Sequence[Variant], chosen_on: str) -> Table | None:
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
        found = [(EPOCHS[epoch], SCORES[score], each) for epoch, score, each in differences(variant, chosen_on)]
        robust = variant.comparison.get("robustness") or {}
        found += [
            (said, "accuracy, " + ("all worsened" if kind == "all" else f"under {kind}"), each["accuracy"])
            for epoch, said in in_order(chosen_on).items()
            for kind, each in (robust.get(epoch) or {}).items()
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


def _seeds(variants: Sequence[Variant], chosen_on: str) -> Table | None:
    columns = [_VARIANT, Column("epoch", numeric=False), Column("seed")]
    columns += [Column("only with", "images recognised"), Column("only without", "images recognised")]
    columns += [Column("p, not corrected")]
    rows = [
        [
            _name(variant),
            name(said),
            number(each["seed"], str(each["seed"])),
            number(each["only_variant"], count(each["only_variant"])),
            number(each["only_baseline"], count(each["only_baseline"])),
            number(each["p"], probability(each["p"])),
        ]
        for variant in variants
        for epoch, said in in_order(chosen_on).items()
        for each in (variant.comparison.get(epoch) or {}).get("mcnemar", ())
    ]
    return Table("McNemar's test of each seed's two networks", columns, rows, sortable=True) if rows else None


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
    devices = any(variant.device for variant in variants)
    columns += [Column("measured on", numeric=False)] if devices else []
    rows = [
        [
            _name(variant),
            *(
                number(variant.figures.get(key), scaled(variant.figures.get(key), unit, digits))
                for key, (_, unit, digits) in there.items()
            ),
            *([name(variant.device or NOTHING)] if devices else []),
        ]
        for variant in variants
    ]
    return Table("What each costs", columns, rows, sortable=True) if there else None
