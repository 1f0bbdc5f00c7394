"""A study as a person reads it: results.md."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from simam_jax.reporting.study_table import robust_accuracy

_SELECTED = {
    "val": "The best epoch of a trial was chosen on validation images, cut from the training images; the evaluation "
    "images were scored once, after that.",
    "eval": "The best epoch of a trial was chosen on the evaluation images themselves: its figures are optimistic, for "
    "all variants alike. Those of the last epoch are not; nor is the choice with `--config.data.val_fraction=0.1`.",
}
_METHOD = """\
± is the standard deviation over seeds. A difference is the attention's score less that of none, seed by seed, in
points, which are hundredths; intervals are of 95 %: over seeds by a paired t, on these images, and over seeds and
images together by the bootstrap. p is the two-sided paired permutation test over seeds; beside it stands the smallest
that so many seeds can give; Holm's corrects it for the number of variants. No evidence of a difference is not evidence
of equality."""

Variant = Mapping[str, Any]


def describe_study(results: Mapping[str, Any]) -> str:
    """The text of results.md, in Markdown.

    Args:
        results: the content of results.json.
    """
    return "\n\n".join(_parts(results)) + "\n"


def _parts(results: Mapping[str, Any]) -> Iterator[str]:
    study, variants = results["study"], results["variants"]
    seeds = f"{study['seeds']} seeds" if study["seeds"] > 1 else "1 seed"
    yield f"# {', '.join(study['models'])}: {', '.join(study['attentions'])}"
    yield (
        f"{study['config']}, data {results['data']['dir']}, {study['epochs']} epochs, {seeds}"
        + (f"; {' '.join(study['overrides'])}" if study["overrides"] else "")
    )
    if lacking := list(_lacking(variants)):
        yield "\n".join(["Not every trial is there, and what is left may mislead:", "", *lacking])
    yield "## In words"
    yield "\n".join(_verdicts(variants))
    yield _SELECTED[results["selection"]]
    yield _METHOD
    for which, title in (("best", "Best epoch"), ("last", "Last epoch")):
        for score, name in (("accuracy", "accuracy"), ("balanced_accuracy", "balanced accuracy")):
            yield f"## {title}: {name}, %"
            yield _score_table(variants, which, score)
        yield f"## {title}: calibration error, %, lower is better"
        yield _score_table(variants, which, "calibration_error")
    yield "## Robustness of the best epoch: accuracy on corrupted images, %, means over three strengths"
    yield _robustness_table(variants)
    if results["chosen"]:
        yield "## Options chosen on validation images"
        yield from _chosen(results["chosen"])
    if any(variant["comparison"]["best"] for variant in variants):
        yield "## Best epoch: images that only one of two trials of a seed recognised, and McNemar's p of those two"
        yield _mcnemar_table(variants)
    yield "## Costs, and how far training had come"
    yield _costs_table(variants)


def _lacking(variants: Sequence[Variant]) -> Iterator[str]:
    for variant in variants:
        for state in ("missing", "diverged"):
            seeds = [str(trial["seed"]) for trial in variant["trials"] if trial["state"] == state]
            if seeds:
                yield f"- {_name(variant)}: {state}: seed {', '.join(seeds)}"


def _verdicts(variants: Sequence[Variant]) -> Iterator[str]:
    found = False
    for variant in variants:
        comparison = variant["comparison"]
        for which, name in (("best", "best epoch"), ("last", "last epoch")):
            if comparison[which]:
                found = True
                yield f"- {_name(variant)}, accuracy, {name}: {comparison[which]['accuracy']['verdict']['text']}."
        if comparison["robustness"]:
            text = comparison["robustness"]["all"]["accuracy"]["verdict"]["text"]
            yield f"- {_name(variant)}, accuracy on corrupted images, best epoch: {text}."
    if not found:
        yield "There is nothing to compare yet."


def _score_table(variants: Sequence[Variant], which: str, score: str) -> str:
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
                str(len(values)),
                _spread(values),
                *_compared(comparison and comparison[score]),
            ]
        )
    return _markdown(rows, left=2)


def _robustness_table(variants: Sequence[Variant]) -> str:
    kinds = next((list(v["comparison"]["robustness"]) for v in variants if v["comparison"]["robustness"]), [])
    kinds = [kind for kind in kinds if kind != "all"]
    rows = [
        ["network", "attention", *kinds, "all", "difference of all", "over seeds", "over seeds and images", "p",
         "smallest p", "Holm's p", "outcome"]
    ]  # fmt: skip
    for variant in variants:
        means = [
            _spread(
                _values(
                    variant, lambda t, kind=kind: t["robustness"] and statistics.fmean(t["robustness"][kind].values())
                )
            )
            for kind in kinds
        ]
        everything = _spread(_values(variant, lambda trial: robust_accuracy(trial["robustness"])))
        comparison = variant["comparison"]["robustness"]
        compared = _compared(comparison and comparison["all"]["accuracy"])
        rows.append([variant["network"], variant["attention"], *means, everything, *compared])
    return _markdown(rows, left=2)


def _chosen(chosen: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in chosen:
        yield (
            f"{each['network']}: of {'; '.join(each['among'])}, validation images speak for {each['attention']}: "
            f"{100 * each['val_accuracy']:.2f} % of them are recognised at the best epoch, the mean over seeds, and "
            f"{100 * each['accuracy']:.2f} % of the evaluation images."
        )


def _mcnemar_table(variants: Sequence[Variant]) -> str:
    rows = [["network", "attention", "seed", "only with it", "only with none", "p, not corrected"]]
    for variant in variants:
        comparison = variant["comparison"]["best"]
        for each in comparison["mcnemar"] if comparison else ():
            counts = [str(each[name]) for name in ("seed", "only_variant", "only_baseline")]
            rows.append([variant["network"], variant["attention"], *counts, f"{each['p']:.2g}"])
    return _markdown(rows, left=2)


def _costs_table(variants: Sequence[Variant]) -> str:
    rows = [
        ["network", "attention", "parameters", "multiply-adds", "training, ms an image", "inference, ms an image",
         "peak memory, MB", "change of the training loss over the last 5 epochs"]
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
                _number(variant["peak_bytes"] and variant["peak_bytes"] / 1e6, "{:.0f}"),
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


def _name(variant: Variant) -> str:
    return f"{variant['network']} with {variant['attention']}"


def _markdown(rows: Sequence[Sequence[str]], *, left: int) -> str:
    """A table whose columns but the first ones are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(cells)} |")
    rule = ["-" * width if place < left else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])
