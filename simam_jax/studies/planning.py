"""A study checked before anything is trained, with what its config and data leave open filled in."""

import json
import logging
from dataclasses import replace
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from simam_jax.data.dataset import Dataset
from simam_jax.errors import UsageError
from simam_jax.models.registry import create_model
from simam_jax.profiling.network import summarise
from simam_jax.studies.attentions import distinct_attentions
from simam_jax.studies.sign_flip import smallest_p
from simam_jax.studies.significance import seeds_needed
from simam_jax.studies.study import BASELINE, TRIAL_FIELDS, Study
from simam_jax.studies.trials import Variant, list_variants, shared_overrides
from simam_jax.studies.verdict import ALPHA
from simam_jax.training.config import flatten, load_config
from simam_jax.training.experiment import check_config, open_data
from simam_jax.training.run_folder import FREE_FIELDS

_log = logging.getLogger(__name__)

_DECIDED = {**TRIAL_FIELDS, "checkpoint.best_above": ""}


class Plan(NamedTuple):
    """A study that can begin.

    Attributes:
        study: with networks, epochs, fields and fingerprint filled in.
        config: what its trials share.
        dataset: its data.
    """

    study: Study
    config: ConfigDict
    dataset: Dataset


def plan(study: Study) -> Plan:
    """Reads the config and opens the data, which is prepared where that needs no download.

    An attention that is asked for in two spellings is in the study once, by the first.

    Raises:
        UsageError: no seeds, an override of what a study decides, a wrong config, or no data.
    """
    if study.seeds < 1:
        raise UsageError(f"--seeds must be at least 1, got {study.seeds}")
    if study.epochs < 0:
        raise UsageError(f"--epochs must be at least 1, or 0 for the config's, got {study.epochs}")
    for word in study.overrides:
        name = word.removeprefix("--config.").partition("=")[0]
        if name in _DECIDED:
            instead = f"say {_DECIDED[name]}" if _DECIDED[name] else "every trial has a best epoch"
            raise UsageError(f"--config.{name} is the study's own to set: {instead}")
    config: Any = load_config(study.config, shared_overrides(study))
    models = tuple(dict.fromkeys(study.models)) or (config.model.name,)
    attentions = tuple(dict.fromkeys(study.attentions))
    if BASELINE not in attentions:
        raise UsageError(f"the attentions lack {BASELINE}, which the others are compared with: add it to --attentions")
    fields = {name: value for name, value in flatten(config).items() if name not in {*FREE_FIELDS, *TRIAL_FIELDS}}
    filled = replace(
        study, models=models, attentions=attentions, epochs=config.epochs, fields=json.loads(json.dumps(fields))
    )
    for variant in list_variants(filled):
        _create(config, variant, config.model.num_classes or 1)  # a misspelt name is said before data are prepared
    check_config(config)
    filled = replace(filled, attentions=distinct_attentions(attentions))
    if again := [spec for spec in attentions if spec not in filled.attentions]:
        _log.warning("warning: %s: the same as one before, and so not compared again", ", ".join(again))
    dataset = open_data(config.data)
    return Plan(replace(filled, fingerprint=dataset.fingerprint), config, dataset)


def count_costs(plan: Plan) -> dict[Variant, dict[str, int]]:
    """Each variant's "parameters" and "multiply_adds" of one image, by tracing.

    Raises:
        UsageError: a network cannot take the images, or two variants would share a folder.
    """
    config: Any = plan.config
    costs, names = {}, {}
    for variant in list_variants(plan.study):
        other = names.setdefault(variant.name, variant)
        if other != variant:
            raise UsageError(f"{variant.attention!r} and {other.attention!r} would have the same folders: take one")
        model = _create(config, variant, len(plan.dataset.classes))
        try:
            totals = summarise(model, image_size=config.data.image_size)["totals"]
        except (ValueError, TypeError) as error:
            raise UsageError(f"{variant.network} with {variant.attention}: {error}") from error
        costs[variant] = {name: totals[name] for name in ("parameters", "multiply_adds")}
    return costs


def warn_of_few_seeds(study: Study) -> str:
    """What to say before anything is trained where no difference, however large, could be told from chance; else "".

    Args:
        study: as it will be run.
    """
    family = study.family
    needed = seeds_needed(family, ALPHA)
    if not family or study.seeds >= needed:
        return ""
    seeds = f"{study.seeds} seeds are" if study.seeds > 1 else "1 seed is"
    variants = f"{family} networks with an attention are" if family > 1 else "1 network with an attention is"
    smallest = min(1.0, family * smallest_p(study.seeds))
    return (
        f"{seeds} too few to tell any difference from chance: {variants} compared, and no p that is corrected for that "
        f"can be below {smallest:.2g}; {needed} seeds are the fewest that could"
    )


def _create(config: Any, variant: Variant, num_classes: int):
    options = {**config.model, "name": variant.network, "attention": variant.attention, "num_classes": num_classes}
    try:
        return create_model(**options)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{variant.network} with {variant.attention}: {error}") from error
