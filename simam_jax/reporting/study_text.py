"""A study as a person reads it: results.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simam_jax.reporting.costs_text import UNSAID, costs_note
from simam_jax.reporting.headline import in_order
from simam_jax.reporting.study_markdown import costs_table, mcnemar_table, robustness_table, score_table
from simam_jax.reporting.unfinished import goes_on, not_done

_SELECTED = {
    "val": "The best epoch of a trial was chosen on validation images, cut from the training images; the evaluation "
    "images had no say in it. So the answer is that of accuracy at the best epoch.",
    "eval": "The answer is that of accuracy at the last epoch, which nobody chose. The best epoch of a trial was "
    "chosen on the evaluation images themselves. Its figures are optimistic, and the more so the more a network's "
    "accuracy jumps from epoch to epoch: of two that are equally good, the one that jumps more looks better at its "
    "best epoch. With `--config.data.val_fraction=0.1` the best epoch is chosen on other images.",
}
_METHOD = """\
± is the standard deviation over seeds. A difference is the attention's score less that of none, seed by seed, in
points, which are hundredths; intervals are of 95 %: over seeds by a paired t, on these images, and, of 6 seeds and
more, over seeds and images together by the bootstrap, which with few seeds is a little narrow. p is the two-sided
paired permutation test over seeds; beside it stands the smallest that so many seeds can give. Holm's corrects it for
the number of networks with an attention that the study asks for, finished or not, in one score at one epoch: among
the many scores and epochs below, chance alone may well make one look significant, so the answer is that of one
score, named beforehand. The number of seeds is to be fixed beforehand too: whoever looks early and stops there, or
adds seeds until p is small, has more false alarms than p says. No evidence of a difference is not evidence of
equality."""

Variant = Mapping[str, Any]


def describe_study(results: Mapping[str, Any]) -> str:
    """The text of results.md, in Markdown.

    Args:
        results: the content of results.json.
    """
    return "\n\n".join(_parts(results)) + "\n"


def _parts(results: Mapping[str, Any]) -> Iterator[str]:
    study, variants = results["study"], results["variants"]
    yield f"# {', '.join(study['models'])}: {', '.join(study['attentions'])}"
    yield (
        f"{study['config']}, data {results['data']['dir']}, {study['epochs']} epochs, {_seeds(study['seeds'])}"
        + (f"; {' '.join(study['overrides'])}" if study["overrides"] else "")
    )
    if lacking := list(_lacking(variants)):
        yield "\n".join(["Not every trial is there, and what is left may mislead:", "", *lacking])
    if results["lacking"]:
        said = {"costs": "costs were not measured", "pictures": "pictures of what it looks at were not drawn"}
        names = [f"- {each['network']} with {each['attention']}: {said[each['what']]}" for each in results["lacking"]]
        yield "\n".join(["Lacking, which changes nothing of the rest:", "", *names])
    epochs = in_order(results["selection"])
    yield "## In words"
    yield "\n".join(_verdicts(variants, epochs))
    yield _SELECTED[results["selection"]]
    yield _METHOD
    for which, epoch in epochs.items():
        title = epoch.capitalize()
        for score, name in (("accuracy", "accuracy"), ("balanced_accuracy", "balanced accuracy")):
            yield f"## {title}: {name}, %"
            yield score_table(variants, which, score)
        yield f"## {title}: calibration error, %, lower is better"
        yield score_table(variants, which, "calibration_error")
        if any(variant["comparison"]["robustness"][which] for variant in variants):
            yield f"## {title}: accuracy on corrupted images, %, means over three strengths"
            yield robustness_table(variants, which)
    if results["chosen"]:
        yield "## Options chosen on validation images"
        yield from _chosen(results["chosen"])
    for which, epoch in epochs.items():
        if any(variant["comparison"][which] for variant in variants):
            yield (
                f"## {epoch.capitalize()}: images that only one of two trials of a seed recognised, and McNemar's p of "
                "those two"
            )
            yield mcnemar_table(variants, which)
    yield "## Costs, and how far training had come"
    yield costs_table(variants)
    yield costs_note({_name(each): each.get("memory") or UNSAID for each in variants if each["peak_bytes"] is not None})


def _lacking(variants: Sequence[Variant]) -> Iterator[str]:
    for variant in variants:
        for said in not_done((trial["seed"], trial["state"]) for trial in variant["trials"]):
            yield f"- {_name(variant)}: {said}"


def _verdicts(variants: Sequence[Variant], epochs: Mapping[str, str]) -> Iterator[str]:
    """The answers first, of all variants; then what else was compared."""
    headline, *others = epochs
    compared = [variant for variant in variants if variant["comparison"][headline]]
    if not compared:
        yield "There is nothing to compare yet."
    so_far = ", so far" if goes_on(trial["state"] for variant in variants for trial in variant["trials"]) else ""
    for variant in compared:
        text = variant["comparison"][headline]["accuracy"]["verdict"]["text"]
        yield f"- **{_name(variant)}, accuracy, {epochs[headline]}{so_far}: {text}.**"
    for variant in compared:
        comparison = variant["comparison"]
        for which in others:
            yield f"- {_name(variant)}, accuracy, {epochs[which]}: {comparison[which]['accuracy']['verdict']['text']}."
        for which in epochs:
            if robust := comparison["robustness"][which]:
                text = robust["all"]["accuracy"]["verdict"]["text"]
                yield f"- {_name(variant)}, accuracy on corrupted images, {epochs[which]}: {text}."


def _chosen(chosen: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in chosen:
        yield (
            f"{each['network']}: of {'; '.join(each['among'])}, validation images speak for {each['attention']}: "
            f"{100 * each['val_accuracy']:.2f} % of them are recognised at the best epoch, the mean over the "
            f"{_seeds(len(each['seeds']))} that all of them have, and {100 * each['accuracy']:.2f} % of the evaluation "
            "images."
            + (f" Left out, without a finished trial: {'; '.join(each['left_out'])}." if each["left_out"] else "")
        )


def _seeds(count: int) -> str:
    return f"{count} seeds" if count > 1 else "1 seed"


def _name(variant: Variant) -> str:
    return f"{variant['network']} with {variant['attention']}"
