"""What a study still has to do, as tasks, and what becomes of each."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simam_jax.reporting.headline import EPOCHS, headline_epoch
from simam_jax.studies.explanations import EXPLAINED_SEED, example_images, explanation_command, explanation_folder
from simam_jax.studies.groups import Group, group_name, group_trials, train_command
from simam_jax.studies.planning import Plan
from simam_jax.studies.results import costs_file, read_costs, trial_state
from simam_jax.studies.tasks import DIVERGED, DONE, STOPPED, Task
from simam_jax.studies.trial_answers import answers_of
from simam_jax.studies.trials import Trial, Variant, divergence, list_trials, list_variants, record_divergence

_log = logging.getLogger(__name__)


class Work:
    """The tasks of a study that are left.

    Attributes:
        costs, trials: the tasks, each with what to do when it has ended well.
        summary: how much there is, in a line.
    """

    def __init__(self, plan: Plan, folder: Path, *, at_once: int = 1):
        """Looks at what is there; of trials that one program can train, `at_once` at most are a task."""
        self._plan, self._folder = plan, folder
        self._config: Any = plan.config
        every = list_trials(plan.study, folder)
        states = {trial: trial_state(trial, plan) for trial in every}
        self._trials_of: dict[Task, list[Trial]] = {}
        for group in group_trials(every, at_once):
            if left := [trial for trial in group if states[trial] == "missing"]:
                self._trials_of[_training_task(plan, folder, group, left)] = left
        self._to_do = sum(map(len, self._trials_of.values()))
        self._begun_before = {trial for trial in every if trial.run.exists()}
        self._ended = 0
        self.trials = tuple(self._trials_of)
        self.costs = tuple(
            _costs_task(plan, folder, variant)
            for variant in list_variants(plan.study)
            if read_costs(folder, variant) is None
        )
        done, diverged = (sum(state == each for state in states.values()) for each in ("done", "diverged"))
        said = f", {diverged} diverged earlier" if diverged else ""
        self.summary = f"{len(every)} trials: {done} done{said}, {self._to_do} to do"

    def explanations(self) -> list[Task]:
        """Of every variant whose first seed is done, the pictures that are not drawn; to be asked for at the end."""
        images = example_images(Path(self._config.data.dir), self._plan.dataset.classes)
        tasks = []
        for trial in list_trials(self._plan.study, self._folder) if images else []:
            if trial.seed != EXPLAINED_SEED or explanation_folder(trial).exists():
                continue
            if trial_state(trial, self._plan) == "done":
                name = f"pictures of {trial.variant.name}"
                log = _log_file(self._folder, trial.variant.name)
                pictures = explanation_folder(trial).relative_to(self._folder)
                tasks.append(Task(name, (explanation_command(trial, images),), log, (str(pictures),)))
        return tasks

    def trains(self, task: Task) -> bool:
        """Whether a task is a trial's, and not one of costs or pictures, without which there are results too."""
        return task in self._trials_of

    def speaks_for_all(self, task: Task) -> bool:
        """Whether what is wrong with the config or data of trials that were refused is wrong for every trial.

        It is not where one has saved something, or its folder was there before: then that may be what is wrong.
        """
        trials = self._trials_of.get(task, [])
        return bool(trials) and not any(trial in self._begun_before or trial.has_saved for trial in trials)

    def note(self, task: Task, code: int, reason: str) -> None:
        """Says in the log what became of a task, and keeps what it left."""
        trials = self._trials_of.get(task, [])
        if trials and code in (DONE, DIVERGED):
            if code == DIVERGED:  # main's code, which trains one; those of several record it themselves
                record_divergence(trials[0].run, reason)
            for trial in trials:
                self._note_end(trial)
            return
        self._ended += len(trials)
        count = f"{self._ended} of {self._to_do}: " if trials else ""
        if code == DONE:
            _log.info("%s: done", task.name)
        elif code in STOPPED:
            _log.info("%s%s: %s", count, task.name, reason or "stopped")
        else:
            _log.warning("warning: %s%s ended with %d: %s; see %s", count, task.name, code, reason, task.log)

    def _note_end(self, trial: Trial) -> None:
        self._ended += 1
        count = f"{self._ended} of {self._to_do}"
        reason = divergence(trial.run)
        if reason is not None:
            _log.warning("warning: %s: %s diverged and counts as such: %s", count, trial.name, reason)
        else:
            _log.info("%s: %s: done%s", count, trial.name, self._accuracy(trial))

    def _accuracy(self, trial: Trial) -> str:
        epoch = headline_epoch("val" if self._config.data.val_fraction else "eval")
        found = answers_of(trial, epoch, self._plan.dataset.classes)
        return f", accuracy {found.metrics['accuracy']:.4f} at its {EPOCHS[epoch]}"


def _training_task(plan: Plan, folder: Path, group: Group, left: Sequence[Trial]) -> Task:
    """Named by the group, so that it is the same task whatever is left of it."""
    config: Any = plan.config
    score = (sys.executable, "-m", "simam_jax.studies.scoring")
    scores = [(*score, str(trial.run), config.data.dir) for trial in left]
    name = group_name(group)
    runs = tuple(str(trial.run.relative_to(folder)) for trial in left)
    return Task(name, (train_command(left, plan.study), *scores), _log_file(folder, name), runs)


def _costs_task(plan: Plan, folder: Path, variant: Variant) -> Task:
    config: Any = plan.config
    spec: Mapping[str, Any] = {
        "network": variant.network,
        "attention": variant.attention,
        "placement": config.model.placement,
        "dtype": config.model.dtype,
        "implementation": config.implementation,
        "image_size": config.data.image_size,
        "batch": config.batch_size,
        "eval_batch": config.eval_batch_size,
        "classes": len(plan.dataset.classes),
    }
    program = (sys.executable, "-m", "simam_jax.studies.costs")
    file = costs_file(folder, variant)
    command, log = (*program, json.dumps(spec), str(file)), _log_file(folder, variant.name)
    return Task(f"costs of {variant.name}", (command,), log, (str(file.relative_to(folder)),))


def _log_file(folder: Path, name: str) -> Path:
    return folder / "logs" / f"{name}.log"
