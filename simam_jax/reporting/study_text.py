"""A study as a person reads it: results.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simam_jax.reporting.study_markdown import costs_table, mcnemar_table, robustness_table, score_table

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
            yield score_table(variants, which, score)
        yield f"## {title}: calibration error, %, lower is better"
        yield score_table(variants, which, "calibration_error")
    yield "## Robustness of the best epoch: accuracy on corrupted images, %, means over three strengths"
    yield robustness_table(variants)
    if results["chosen"]:
        yield "## Options chosen on validation images"
        yield from _chosen(results["chosen"])
    if any(variant["comparison"]["best"] for variant in variants):
        yield "## Best epoch: images that only one of two trials of a seed recognised, and McNemar's p of those two"
        yield mcnemar_table(variants)
    yield "## Costs, and how far training had come"
    yield costs_table(variants)


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


def _chosen(chosen: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in chosen:
        yield (
            f"{each['network']}: of {'; '.join(each['among'])}, validation images speak for {each['attention']}: "
            f"{100 * each['val_accuracy']:.2f} % of them are recognised at the best epoch, the mean over seeds, and "
            f"{100 * each['accuracy']:.2f} % of the evaluation images."
        )


def _name(variant: Variant) -> str:
    return f"{variant['network']} with {variant['attention']}"
