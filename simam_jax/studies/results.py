"""A study's results as one object, put together from its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simam_jax.data.dataset import Dataset
from simam_jax.data.manifest import FILE_NAME, read_manifest
from simam_jax.errors import UsageError
from simam_jax.reporting.costs_text import UNSAID
from simam_jax.reporting.headline import headline_epoch
from simam_jax.reporting.json_file import read_object
from simam_jax.studies.answers import Answers
from simam_jax.studies.choice import choose_options
from simam_jax.studies.explanations import EXPLAINED_SEED, example_images, explanation_folder
from simam_jax.studies.planning import Plan
from simam_jax.studies.scoring import is_scored, robust_epochs
from simam_jax.studies.study import BASELINE
from simam_jax.studies.trial_answers import gather_answers, gather_robustness
from simam_jax.studies.trial_row import describe_trial, loss_change
from simam_jax.studies.trials import State, Trial, Variant, list_trials, list_variants
from simam_jax.studies.variants import compare_variants

_NUMBERS = ("train_ms_per_image", "inference_ms_per_image", "peak_bytes")
_MEASURED = (*_NUMBERS, "memory", "device")
_NOTHING = {"best": None, "last": None}


def costs_file(folder: Path, variant: Variant) -> Path:
    """Where a study keeps what was measured of a variant's costs."""
    return folder / "costs" / f"{variant.name}.json"


def read_costs(folder: Path, variant: Variant) -> dict[str, Any] | None:
    """What was measured of a variant's costs; None where that is still to be done, or its file is damaged."""
    path = costs_file(folder, variant)
    try:
        found = read_object(path) if path.is_file() else {}
        numbers = {name: float(found[name]) for name in _NUMBERS}
        return {**numbers, "memory": str(found.get("memory", UNSAID)), "device": str(found["device"])}
    except (UsageError, KeyError, ValueError, TypeError):
        return None


def trial_state(trial: Trial, plan: Plan) -> State:
    """How far a trial has come; "missing" too where it is trained but not measured."""
    config: Any = plan.config
    state = trial.state(plan.study.epochs)
    scored = state != "done" or is_scored(trial.run, config.checkpoint.best_metric, plan.dataset.classes)
    return state if scored else "missing"


def assemble(plan: Plan, folder: Path, counted: Mapping[Variant, Mapping[str, int]]) -> dict[str, Any]:
    """The content of results.json: {"study", "selection", "headline", "data", "variants", "chosen", "lacking"}.

    Args:
        plan: of the study.
        folder: the study's.
        counted: each variant's parameters and multiply-adds.

    Raises:
        UsageError: two trials answered different images.
    """
    config: Any = plan.config
    trials = list_trials(plan.study, folder)
    states: dict[Trial, State] = {trial: trial_state(trial, plan) for trial in trials}
    done = {
        variant: [trial for trial in trials if trial.variant == variant and states[trial] == "done"]
        for variant in list_variants(plan.study)
    }
    selection = "val" if config.data.val_fraction else "eval"
    compared = _compare_all(done, plan.dataset.classes, selection, plan.study.family)
    variants = []
    for variant in list_variants(plan.study):
        rows = [
            describe_trial(trial, states[trial], config.checkpoint.best_metric, plan.dataset.classes)
            for trial in trials
            if trial.variant == variant
        ]
        changes = [change for trial in done[variant] if (change := loss_change(trial, plan.study.epochs)) is not None]
        variants.append(
            {
                "network": variant.network,
                "attention": variant.attention,
                **counted[variant],
                **(read_costs(folder, variant) or dict.fromkeys(_MEASURED)),
                "last_epochs_loss_change": sum(changes) / len(changes) if changes else None,
                "trials": rows,
                "comparison": compared.get(variant, {**_NOTHING, "robustness": _NOTHING}),
            }
        )
    return {
        "study": plan.study.as_json(),
        "selection": selection,
        "headline": headline_epoch(selection),
        "data": _describe_data(config.data.dir, plan.dataset),
        "variants": variants,
        "chosen": choose_options(variants),
        "lacking": _lacking(plan, folder, done),
    }


def _compare_all(
    done: Mapping[Variant, Sequence[Trial]], classes: Sequence[str], selection: str, family: int
) -> dict[Variant, dict[str, Any]]:
    best, labels = gather_answers(done, "best", classes)
    last, _ = gather_answers(done, "last", classes)
    if not best:
        return {}
    by_epoch = {"best": _compare(best, labels, family), "last": _compare(last, labels, family)}
    robust = {
        epoch: {name: _compare(answers, labels, family) for name, answers in gather_robustness(done, epoch).items()}
        for epoch in robust_epochs(selection)
    }
    return {
        variant: {
            **{epoch: found[variant] for epoch, found in by_epoch.items()},
            "robustness": _NOTHING
            | {epoch: {name: each[variant] for name, each in found.items()} for epoch, found in robust.items()},
        }
        for variant in by_epoch["best"]
    }


def _compare(answers: Sequence[Answers], labels: np.ndarray, family: int) -> dict[Variant, dict[str, Any]]:
    found = compare_variants(answers, labels, baseline=BASELINE, family=family)
    return {Variant(each.network, each.attention): each.as_json() for each in found}


def _lacking(plan: Plan, folder: Path, done: Mapping[Variant, Sequence[Trial]]) -> list[dict[str, str]]:
    """What was not measured or drawn of which variant: {"network", "attention", "what"}, "costs" or "pictures"."""
    config: Any = plan.config
    images = example_images(Path(config.data.dir), plan.dataset.classes)
    found = [(variant, "costs") for variant in done if read_costs(folder, variant) is None]
    for variant, trials in done.items():
        explained = next((trial for trial in trials if trial.seed == EXPLAINED_SEED), None)
        if images and explained is not None and not explanation_folder(explained).exists():
            found.append((variant, "pictures"))
    return [{"network": variant.network, "attention": variant.attention, "what": what} for variant, what in found]


def _describe_data(address: str, dataset: Dataset) -> dict[str, Any]:
    about: dict[str, Any] = {"dir": address, "classes": list(dataset.classes)}
    directory = Path(address)
    if (directory / FILE_NAME).exists():
        counts = {split: dict(each) for split, each in read_manifest(directory).counts.items()}
    else:
        counts = {split: _count(dataset, split) for split in ("train", "eval")}
    preview = directory / "preview.png"
    return {**about, "counts": counts, "preview": str(preview) if preview.exists() else ""}


def _count(dataset: Dataset, split: str) -> dict[str, int]:
    found = np.bincount(dataset.open_split(split).labels, minlength=len(dataset.classes))
    return dict(zip(dataset.classes, found.tolist(), strict=True))
