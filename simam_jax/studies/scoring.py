"""Measures a finished trial's best and last checkpoints on the evaluation images, and how robust the best is.

    python -m simam_jax.studies.scoring RUN DATA

What is there already and is of the same step is not measured again. A trial that diverged has nothing to measure.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from simam_jax import command
from simam_jax.errors import UsageError
from simam_jax.reporting.robustness_files import NUMBERS
from simam_jax.studies.selection import best_epoch, last_epoch
from simam_jax.studies.trials import divergence

# Of a run's eval/eval/.
BEST, LAST = "best", "latest"


def is_scored(run: Path, metric: str) -> bool:
    """Whether there is nothing left to measure.

    Args:
        run: a finished run's folder.
        metric: by which its best epoch was chosen.
    """
    best, last = best_epoch(run, metric), last_epoch(run)
    return (
        best is not None
        and last is not None
        and _step(run / "eval" / "eval" / BEST / "metrics.json") == best.step
        and _step(run / "eval" / "eval" / LAST / "metrics.json") == last.step
        and _step(run / NUMBERS) == best.step
    )


def score(run: Path, data: str) -> None:
    """Measures what is left.

    Args:
        run: a finished run's folder.
        data: where its data lies now.

    Raises:
        UsageError: the run's data is missing, or has changed.
        StorageError: a checkpoint is damaged, or the results cannot be written.
    """
    from simam_jax.inference.evaluation import evaluate
    from simam_jax.inference.forward import Forward
    from simam_jax.inference.restore import restore
    from simam_jax.inference.robustness import measure_robustness
    from simam_jax.inference.split import open_split
    from simam_jax.reporting.evaluation_files import write_evaluation
    from simam_jax.reporting.robustness_files import write_robustness
    from simam_jax.training.run_folder import RunFolder

    split = open_split(run, "eval", data, cache_gb=RunFolder(run).config().data.cache_gb)
    if split.label != "eval":
        raise UsageError(f"the data of {run} has changed since it was trained")
    folder = run / "eval" / "eval"
    last = restore(run, LAST)
    if _step(folder / LAST / "metrics.json") != last.step:
        write_evaluation(folder / LAST, evaluate(last, split), checkpoint=LAST)
    best = restore(run, BEST)
    if _step(folder / BEST / "metrics.json") == _step(run / NUMBERS) == best.step:
        return
    forward = Forward(best, batch_size=split.batch_size)
    evaluation = evaluate(best, split, forward)
    write_evaluation(folder / BEST, evaluation, checkpoint=BEST)
    correct = measure_robustness(best, split, forward)
    clean = float((evaluation.labels == evaluation.predictions).mean())
    write_robustness(run, step=best.step, clean=clean, names=evaluation.names, correct=correct)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program."""
    run, data = sys.argv[1:] if argv is None else argv
    if divergence(Path(run)) is not None:
        return 0
    from simam_jax.host_memory import keep_freed_memory
    from simam_jax.training.compilation_cache import use_compilation_cache

    keep_freed_memory()
    use_compilation_cache()
    score(Path(run), data)
    return 0


def _step(path: Path) -> int | None:
    try:
        return json.loads(path.read_text())["step"]
    except (OSError, ValueError, KeyError):
        return None


if __name__ == "__main__":
    sys.exit(command.run(main))
