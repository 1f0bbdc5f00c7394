"""Measures a finished trial's best and last checkpoints on the evaluation images, as they are and made worse.

    python -m simam_jax.studies.scoring RUN DATA

What is there already, whole and of the same step, is not measured again. Where the best epoch is chosen on val, only
the best checkpoint is asked about the images made worse; else the last one too, since nobody chose it. A trial that
diverged has nothing to measure; one that turns out here to have done so is noted as such.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command
from simam_jax.data.corruption import CORRUPTIONS
from simam_jax.errors import DivergedError, UsageError
from simam_jax.reporting.answers_file import CHECKPOINTS, answers_folder, read_answers
from simam_jax.reporting.robustness_files import read_robustness
from simam_jax.studies.selection import select
from simam_jax.studies.trials import divergence, record_divergence


def robust_epochs(split: str) -> tuple[str, ...]:
    """The epochs, of "best" and "last", that are measured on images made worse.

    Args:
        split: on which the best was chosen.
    """
    return ("best",) if split == "val" else ("best", "last")


def is_scored(run: Path, metric: str, classes: Sequence[str]) -> bool:
    """Whether there is nothing left to measure; a damaged file counts as none.

    Args:
        run: a finished run's folder.
        metric: by which its best epoch was chosen.
        classes: of its data, in label order.
    """
    best, last, split = select(run, metric)
    if best is None or last is None:
        return False
    steps = {"best": best.step, "last": last.step}
    return all(_has_answers(run, epoch, step, classes) for epoch, step in steps.items()) and all(
        _has_robustness(run, epoch, steps[epoch]) for epoch in robust_epochs(split)
    )


def score(run: Path, data: str) -> None:
    """Measures what is left.

    Args:
        run: a finished run's folder.
        data: where its data lies now.

    Raises:
        UsageError: the run's data is missing, or has changed.
        DivergedError: its answers are no numbers.
        StorageError: a checkpoint is damaged, or the results cannot be written.
    """
    from simam_jax.inference.evaluation import evaluate
    from simam_jax.inference.forward import Forward
    from simam_jax.inference.restore import restore
    from simam_jax.inference.robustness import measure_robustness
    from simam_jax.inference.split import open_split
    from simam_jax.reporting.evaluation_files import write_evaluation
    from simam_jax.reporting.robustness_files import write_robustness
    from simam_jax.training.divergence import check_evaluated
    from simam_jax.training.run_folder import RunFolder

    config = RunFolder(run).config()
    split = open_split(run, "eval", data, cache_gb=config.data.cache_gb)
    if split.label != "eval":
        raise UsageError(f"the data of {run} has changed since it was trained")
    classifiers = {epoch: restore(run, word) for epoch, word in CHECKPOINTS.items()}
    forward = Forward(classifiers["best"], batch_size=split.batch_size)
    epochs = robust_epochs("val" if config.data.val_fraction else "eval")
    lacking = [epoch for epoch in epochs if not _has_robustness(run, epoch, classifiers[epoch].step)]
    evaluations = {
        epoch: evaluate(classifier, split, forward.at(classifier))
        for epoch, classifier in classifiers.items()
        if epoch in lacking or not _has_answers(run, epoch, classifier.step, classifier.classes)
    }
    for evaluation in evaluations.values():
        check_evaluated("eval", evaluation.step, evaluation.metrics["loss"])
    for epoch, evaluation in evaluations.items():
        word = CHECKPOINTS[epoch]
        write_evaluation(answers_folder(run, word), evaluation, checkpoint=word)
    # The best epoch may be the last one.
    different = {classifiers[epoch].step: classifiers[epoch] for epoch in lacking}
    found = dict(zip(different, measure_robustness(list(different.values()), split, forward), strict=True))
    for epoch in lacking:
        word, evaluation = CHECKPOINTS[epoch], evaluations[epoch]
        write_robustness(
            answers_folder(run, word),
            checkpoint=word,
            step=evaluation.step,
            clean=float((evaluation.labels == evaluation.predictions).mean()),
            names=evaluation.names,
            correct=found[evaluation.step],
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program."""
    run, data = sys.argv[1:] if argv is None else argv
    if divergence(Path(run)) is not None:
        return 0
    from simam_jax.host_memory import keep_one_step_s_memory
    from simam_jax.training.compilation_cache import use_compilation_cache

    keep_one_step_s_memory()
    use_compilation_cache()
    try:
        score(Path(run), data)
    except DivergedError as error:
        record_divergence(Path(run), str(error))
        print(f"{Path(run).name}: {error}", file=sys.stderr, flush=True)
    return 0


def _has_answers(run: Path, epoch: str, step: int, classes: Sequence[str]) -> bool:
    word = CHECKPOINTS[epoch]
    if _step(answers_folder(run, word) / "metrics.json") != step:
        return False
    try:
        answers = read_answers(run, word, classes)
    except UsageError:
        return False
    return answers is not None and {"accuracy", "balanced_accuracy"} <= answers.metrics.keys()


def _has_robustness(run: Path, epoch: str, step: int) -> bool:
    try:
        found = read_robustness(answers_folder(run, CHECKPOINTS[epoch]))
    except UsageError:
        return False
    return found is not None and found.step == step and found.recognised.keys() == CORRUPTIONS.keys()


def _step(path: Path) -> int | None:
    """Without the answers, which are long, where that is enough."""
    try:
        return json.loads(path.read_text())["step"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


if __name__ == "__main__":
    sys.exit(command.run(main))
