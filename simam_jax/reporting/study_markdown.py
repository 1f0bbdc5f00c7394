"""The tables of a study as Markdown."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simam_jax.reporting.robustness import robust_accuracy
from simam_jax.reporting.text_table import pad
from simam_jax.reporting.unfinished import seeds_and_pairs

Variant = Mapping[str, Any]


def score_table(variants: Sequence[Variant], which: str, score: str) -> str:
    """A line a variant: a score of the best or last epoch, and its comparison.

    Args:
        variants: as results.json has them.
        which: "best" or "last".
        score: "accuracy", "balanced_accuracy" or "calibration_error".
    """
    rows = [
        ["network", "attention", "seeds", "mean ± std", "difference", "over seeds", "over seeds and images", "p",
         "smallest p", "Holm's p", "outcome"]
    ]  # fmt: skip
    for variant in variants:
        values = _values(variant, lambda trial: trial[which] and trial[which][score])
        comparison = variant["comparison"][which]
        rows.append(
            [
                variant["network"],
                variant["attention"],
                seeds_and_pairs(len(values), comparison),
                _spread(values),
                *_compared(comparison and comparison[score]),
            ]
        )
    return _markdown(rows, left=2)


def robustness_table(variants: Sequence[Variant], which: str) -> str:
    """A line a variant: accuracy on each kind of corrupted images, and the comparison over all of them.

    Args:
        variants: as results.json has them.
        which: "best" or "last".
    """
    measured = [v["comparison"]["robustness"][which] for v in variants if v["comparison"]["robustness"][which]]
    kinds = [kind for kind in (measured[0] if measured else ()) if kind != "all"]
    rows = [
        ["network", "attention", "seeds", *kinds, "all", "difference of all", "over seeds", "over seeds and images",
         "p", "smallest p", "Holm's p", "outcome"]
    ]  # fmt: skip
    for variant in variants:
        means = [
            _spread(_values(variant, lambda trial, kind=kind: robust_accuracy(trial["robustness"][which], kind)))
            for kind in [*kinds, ""]
        ]
        seeds = len(_values(variant, lambda trial: robust_accuracy(trial["robustness"][which], "")))
        comparison = (variant["comparison"]["robustness"][which] or {}).get("all")
        compared = _compared(comparison and comparison["accuracy"])
        rows.append([variant["network"], variant["attention"], seeds_and_pairs(seeds, comparison), *means, *compared])
    return _markdown(rows, left=2)


def mcnemar_table(variants: Sequence[Variant], which: str) -> str:
    """A line a pair of trials: images that only one of them recognised, at the "best" or the "last" epoch."""
    rows = [["network", "attention", "seed", "only with it", "only with none", "p, not corrected"]]
    for variant in variants:
        comparison = variant["comparison"][which]
        for each in comparison["mcnemar"] if comparison else ():
            counts = [str(each[name]) for name in ("seed", "only_variant", "only_baseline")]
            rows.append([variant["network"], variant["attention"], *counts, f"{each['p']:.2g}"])
    return _markdown(rows, left=2)


def costs_table(variants: Sequence[Variant]) -> str:
    """A line a variant: size, time and memory, on which device, and how much the loss still changed."""
    rows = [
        ["network", "attention", "parameters", "multiply-adds", "training, ms an image", "inference, ms an image",
         "peak memory, MiB", "measured on", "change of the training loss over the last 5 epochs"]
    ]  # fmt: skip
    for variant in variants:
        change = variant["last_epochs_loss_change"]
        rows.append(
            [
                variant["network"],
                variant["attention"],
                f"{variant['parameters']:,}",
                f"{variant['multiply_adds']:,}",
                _number(variant["train_ms_per_image"], "{:.3g}"),
                _number(variant["inference_ms_per_image"], "{:.3g}"),
                _number(variant["peak_bytes"] and variant["peak_bytes"] / 2**20, "{:.0f}"),
                variant["device"] or "–",
                "–" if change is None else f"{change:+.4f}".replace("-", "−"),
            ]
        )
    return _markdown(rows, left=2)


def _compared(difference: Mapping[str, Any] | None) -> list[str]:
    if not difference:
        return ["–"] * 7
    paired, tested = difference["paired"], difference["significance"]
    return [
        _points(paired["difference"]),
        _interval(paired["interval"]),
        _interval(difference["over_seeds_and_images"]),
        _number(tested["p"], "{:.2g}"),
        f"{tested['smallest_p']:.2g}",
        _number(tested["corrected_p"], "{:.2g}"),
        difference["verdict"]["outcome"],
    ]


def _values(variant: Variant, score: Callable[[Mapping[str, Any]], float | None]) -> list[float]:
    return [value for trial in variant["trials"] if (value := score(trial)) is not None]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    mean = f"{100 * statistics.fmean(values):.2f}"
    return f"{mean} ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else mean


def _points(fraction: float) -> str:
    text = f"{100 * fraction:+.2f}"
    return text.replace("-", "−") if float(text) else "0.00"


def _interval(interval: Mapping[str, float] | None) -> str:
    return f"{_points(interval['low'])} to {_points(interval['high'])}" if interval else "–"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _markdown(rows: Sequence[Sequence[str]], *, left: int) -> str:
    """A table whose columns but the first ones are aligned to the right."""
    # Three dashes: of a column of one character a colon alone would be left, and no table.
    header, *lines, _ = pad([*rows, ["---"] * len(rows[0])], left=left)
    rule = ["-" * len(cell) if place < left else "-" * (len(cell) - 1) + ":" for place, cell in enumerate(header)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *lines))
