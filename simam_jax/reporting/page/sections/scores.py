"""The study's figures as tables that sort."""

from collections.abc import Sequence
from statistics import mean

from simam_jax.reporting.page.numbers import count, interval, points, probability, scaled, spread
from simam_jax.reporting.page.robust import robust_accuracy
from simam_jax.reporting.page.sections.section import Section
from simam_jax.reporting.page.sections.verdict import EPOCHS, SCORES, differences
from simam_jax.reporting.page.table import Cell, Column, Table, name, number
from simam_jax.reporting.page.variant import Variant

_SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced", "calibration_error": "calibration error"}


def scores_section(variants: Sequence[Variant], *, chosen_on: str) -> Section:
    """Scores, differences with their tests, McNemar's tests, and costs.

    Args:
        variants: of the study.
        chosen_on: the split on which each trial's best epoch was chosen.
    """
    left_out = [(variant, trial) for variant in variants for trial in variant.trials if trial.state != "done"]
    values = {
        "scores": _scores(variants),
        "differences": _differences(variants),
        "seeds": _seeds(variants),
        "costs": _costs(variants),
        "left_out": [f"{v.network} with {v.attention}, seed {t.seed}: {t.state}" for v, t in left_out],
        "chosen_on": chosen_on,
    }
    return Section("results", "Results", "scores.html", values)


def _scores(variants: Sequence[Variant]) -> Table:
    columns = [Column("network", numeric=False), Column("attention", numeric=False), Column("seeds")]
    columns += [Column(said, EPOCHS[epoch]) for epoch in EPOCHS for said in _SCORES.values()]
    columns += [Column("on worsened images", EPOCHS["best"] + " ")]
    rows = []
    for variant in variants:
        row = [name(variant.network), name(variant.attention), number(len(variant.done), str(len(variant.done)))]
        row += [_spread(variant.scores(epoch, score)) for epoch in EPOCHS for score in _SCORES]
        row.append(
            _spread([found for trial in variant.done if (found := robust_accuracy(trial.robustness)) is not None])
        )
        rows.append(row)
    return Table("Scores: mean ± standard deviation over seeds", columns, rows, heads=2, sortable=True)


def _spread(values: Sequence[float]) -> Cell:
    return Cell(spread(values), mean(values) if values else None)


def _differences(variants: Sequence[Variant]) -> Table | None:
    columns = [Column(said, numeric=False) for said in ("network", "attention", "score", "epoch")]
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
            (EPOCHS["best"], "accuracy, worsened by " + ("anything" if kind == "all" else kind), each["accuracy"])
            for kind, each in (variant.comparison.get("robustness") or {}).items()
            if each
        ]
        for epoch, score, each in found:
            paired, test = each["paired"], each["significance"]
            inner, outer = paired["interval"], each["over_seeds_and_images"]
            rows.append(
                [
                    *(name(said) for said in (variant.network, variant.attention, score, epoch)),
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
    return Table(caption, columns, rows, heads=2, sortable=True) if rows else None


def _seeds(variants: Sequence[Variant]) -> Table | None:
    columns = [Column("network", numeric=False), Column("attention", numeric=False), Column("seed")]
    columns += [Column("only with", "images recognised"), Column("only without", "images recognised"), Column("p")]
    rows = [
        [
            name(variant.network),
            name(variant.attention),
            number(each["seed"], str(each["seed"])),
            number(each["only_variant"], count(each["only_variant"])),
            number(each["only_baseline"], count(each["only_baseline"])),
            number(each["p"], probability(each["p"])),
        ]
        for variant in variants
        for each in (variant.comparison.get("best") or {}).get("mcnemar", ())
    ]
    return Table("McNemar's test of each seed's two networks, best epoch", columns, rows, 2, True) if rows else None


def _costs(variants: Sequence[Variant]) -> Table | None:
    kinds = {
        "parameters": ("parameters", 1, 0),
        "multiply_adds": ("multiply-adds, millions", 1e6, 1),
        "train_ms_per_image": ("training, ms an image", 1, 2),
        "inference_ms_per_image": ("inference, ms an image", 1, 2),
        "peak_bytes": ("peak memory, MiB", 2**20, 0),
    }
    there = {key: kind for key, kind in kinds.items() if any(key in variant.figures for variant in variants)}
    columns = [Column("network", numeric=False), Column("attention", numeric=False)]
    columns += [Column(said) for said, *_ in there.values()]
    rows = [
        [
            name(variant.network),
            name(variant.attention),
            *(
                number(variant.figures.get(key), scaled(variant.figures.get(key), unit, digits))
                for key, (_, unit, digits) in there.items()
            ),
        ]
        for variant in variants
    ]
    return Table("What each costs", columns, rows, heads=2, sortable=True) if there else None
