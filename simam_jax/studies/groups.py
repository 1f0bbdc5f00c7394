"""Which trials are trained by one process, and the command that does it."""

import json
import sys
from collections.abc import Iterable, Sequence

from simam_jax.layers.attention import split_e_lambda
from simam_jax.studies.study import Study
from simam_jax.studies.trials import Trial, trial_overrides

Group = tuple[Trial, ...]


def group_trials(trials: Iterable[Trial], most: int) -> list[Group]:
    """Trials that differ in seed and SimAM's λ alone together, so many at most; a group stands where its first stood.

    Args:
        trials: all of a study, so that a group is the same one whatever is done of it already.
        most: trials in a group.
    """
    groups: list[list[Trial]] = []
    open_groups: dict[object, list[Trial]] = {}
    for trial in trials:
        program = (trial.variant.network, split_e_lambda(trial.variant.attention)[0])
        group = open_groups.get(program)
        if group is None or len(group) == most:
            group = open_groups[program] = []
            groups.append(group)
        group.append(trial)
    return [tuple(group) for group in groups]


def group_name(group: Group) -> str:
    """That of a group's first trial, and how many more there are."""
    return group[0].name + (f"+{len(group) - 1}" if len(group) > 1 else "")


def train_command(trials: Sequence[Trial], study: Study) -> tuple[str, ...]:
    """What trains the trials of a group that are left, or goes on with them."""
    if len(trials) == 1:
        (trial,) = trials
        program = (sys.executable, "-m", "simam_jax.main")
        return (*program, "--config", study.config, "--workdir", str(trial.run), *trial_overrides(study, trial))
    jobs = [{"workdir": str(trial.run), "overrides": trial_overrides(study, trial)} for trial in trials]
    return (sys.executable, "-m", "simam_jax.studies.together", study.config, json.dumps(jobs))
