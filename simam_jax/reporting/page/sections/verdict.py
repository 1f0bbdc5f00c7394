"""Does the attention help: the answer, before everything else."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from simam_jax.reporting.headline import EPOCHS, headline_epoch, in_order
from simam_jax.reporting.page.chart import Chart
from simam_jax.reporting.page.interval_chart import Row, draw_intervals
from simam_jax.reporting.page.numbers import points, several
from simam_jax.reporting.page.sections.section import Section, of
from simam_jax.reporting.page.variant import Variant
from simam_jax.reporting.unfinished import goes_on, not_done

SCORES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "calibration_error": "calibration error"}
_SIGNS = {"better": "▲", "worse": "▼", "no evidence": "≈", "too few seeds": "…"}


class Judgement(NamedTuple):
    """A verdict on one score at one epoch."""

    of: str
    text: str


class Answer(NamedTuple):
    """What is said of one variant: of its accuracy, at which epoch, and of its other scores."""

    name: str
    sign: str
    outcome: str
    epoch: str
    accuracy: Sequence[Judgement]
    others: Sequence[Judgement]
    unpaired: Sequence[int]


def verdict_section(variants: Sequence[Variant], *, selection: str) -> Section:
    """A card a variant, and the differences as a picture; the headline is that of accuracy at one epoch.

    Args:
        variants: of the study.
        selection: the split on which best epochs were chosen; it decides which epoch that is, see `headline_epoch`.
    """
    headline = headline_epoch(selection)
    compared = [variant for variant in variants if headline in variant.comparison]
    charts = [
        chart for score in ("accuracy", "balanced_accuracy") for chart in _differences(compared, score, selection)
    ]
    outcomes = [variant.comparison[headline]["accuracy"]["verdict"]["outcome"] for variant in compared]
    summary = _summary(compared, outcomes)
    if goes_on(trial.state for variant in variants for trial in variant.trials):
        summary = f"So far: {summary[0].lower()}{summary[1:]}"
    values = {
        "answers": [_answer(variant, selection) for variant in compared],
        "summary": summary,
        "not_done": [
            f"{of(variant.attention, variant.network)}: {said}"
            for variant in variants
            for said in not_done((trial.seed, trial.state) for trial in variant.trials)
        ],
        "epoch": EPOCHS[headline],
        "chosen_on": selection,
        "charts": charts,
    }
    return Section("verdict", "The answer", "verdict.html", values)


def differences(variant: Variant, selection: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """(epoch, score, the Difference) of a variant, as far as they were compared, the epoch of the answer first."""
    return [
        (epoch, score, variant.comparison[epoch][score])
        for epoch in in_order(selection)
        for score in SCORES
        if variant.comparison.get(epoch) and variant.comparison[epoch].get(score)
    ]


def _answer(variant: Variant, selection: str) -> Answer:
    found, headline = differences(variant, selection), headline_epoch(selection)
    accuracy = [_judgement(EPOCHS[epoch], each) for epoch, score, each in found if score == "accuracy"]
    others = [
        _judgement(f"{SCORES[name]}, {EPOCHS[epoch]}", each)
        for name in SCORES
        for epoch, score, each in found
        if name == score != "accuracy"
    ]
    robust = variant.comparison.get("robustness") or {}
    worsened = [
        _judgement(f"accuracy on worsened images, {said}", robust[epoch]["all"]["accuracy"])
        for epoch, said in in_order(selection).items()
        if robust.get(epoch)
    ]
    compared = variant.comparison[headline]
    outcome, unpaired = compared["accuracy"]["verdict"]["outcome"], compared.get("unpaired", ())
    name, sign = of(variant.attention, variant.network), _SIGNS.get(outcome, "")
    return Answer(name, sign, outcome, EPOCHS[headline], accuracy, worsened + others, unpaired)


def _judgement(what: str, difference: Mapping[str, Any]) -> Judgement:
    return Judgement(what, difference["verdict"]["text"])


def _summary(compared: Sequence[Variant], outcomes: Sequence[str]) -> str:
    if not compared:
        return "Nothing could be compared: there is no variant that shares a seed with its network without attention."
    if len(outcomes) == 1:
        said = of(compared[0].attention, compared[0].network)
        return {
            "better": f"Yes, on these images: {said} is more accurate than without.",
            "worse": f"No: {said} is less accurate than without.",
            "no evidence": f"No evidence that it does: {said} is not distinguishable from the same network without.",
        }.get(outcomes[0], f"Too few seeds to say: {said} was trained too few times for a test.")
    if len(set(outcomes)) == 1 and outcomes[0] not in ("better", "worse"):
        of_all = f"the {len(outcomes)} networks with an attention"
        if outcomes[0] == "too few seeds":
            return f"Too few seeds to say, for any of {of_all}."
        return f"No evidence that it does: none of {of_all} is distinguishable from the same network without."
    told = [
        f"{several(outcomes.count(outcome), 'is', 'are')} {words}"
        for outcome, words in (("better", "more accurate than without"), ("worse", "less accurate"))
        if outcome in outcomes
    ]
    if none := outcomes.count("no evidence"):
        told.append(f"for {none} there is no evidence of a difference")
    if few := outcomes.count("too few seeds"):
        told.append(f"for {few} there are too few seeds to say")
    return f"Of {len(outcomes)} networks with an attention, {'; '.join(told)}."


def _differences(compared: Sequence[Variant], score: str, selection: str) -> list[Chart]:
    rows = [
        Row(
            f"{variant.attention} in {variant.network}, {EPOCHS[epoch]}",
            variant.style,
            each["paired"]["difference"],
            [ours - theirs for ours, theirs in zip(each["paired"]["variant"], each["paired"]["baseline"], strict=True)],
            _ends(each["paired"]["interval"]),
            _ends(each["over_seeds_and_images"]),
        )
        for variant in compared
        for epoch, name, each in differences(variant, selection)
        if name == score
    ]
    if not rows:
        return []
    said = "; ".join(f"{row.name}: {points(row.mean)} points" for row in rows)
    title = f"Difference in {SCORES[score]}"
    return [Chart(title, draw_intervals(rows, label=f"{title} against none. {said}."))]


def _ends(found: Mapping[str, float] | None) -> tuple[float, float] | None:
    return (found["low"], found["high"]) if found else None
