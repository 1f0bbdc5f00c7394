"""A run as a variant of one trial."""

from simam_jax.reporting.answers_file import CHECKPOINTS, read_answers
from simam_jax.reporting.calibration import calibration_error, reliability
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.page.palette import styles
from simam_jax.reporting.page.run_files import RunFiles
from simam_jax.reporting.page.variant import Trial, Variant

_SCORES = ("accuracy", "balanced_accuracy", "top5", "loss")


def as_variant(run: RunFiles) -> Variant:
    """A run with the scores of its best and its last epoch, which are those of metrics.jsonl.

    They are of the split on which the best epoch is chosen. Where the answers were kept and are of the same split and
    step, the calibration error is there too.
    """
    model = run.config.get("model", {})
    attention = model.get("attention") or "none"
    scores = {name: _scores(run, name, epoch) for name, epoch in _epochs(run).items()}
    trial = Trial(run.config.get("seed", 0), run, "done", scores)
    facts = {"parameters": float(run.facts["parameters"])} if "parameters" in run.facts else {}
    return Variant(model.get("name", "the network"), attention, styles([attention])[attention], [trial], facts)


def scores_on_eval(run: RunFiles) -> dict[str, dict[str, float]]:
    """The same on eval, of a run whose best epoch is chosen on val; empty of another one.

    Training measures the last epoch there, at its end; `evaluate` measures the checkpoints that it is asked for.
    """
    if run.selection != "val":
        return {}
    found = {}
    for name, epoch in _epochs(run).items():
        step = _step(run, epoch)
        scores = {score: values[epoch] for score in _SCORES if epoch in (values := run.by_epoch(f"eval/{score}"))}
        answers = read_answers(run.path, CHECKPOINTS[name], run.classes)
        if answers is not None and answers.step == step:
            scores |= {**answers.metrics, "calibration_error": _calibration_error(answers)}
        if scores:
            found[name] = {"epoch": float(epoch), "step": float(step), **scores}
    return found


def _epochs(run: RunFiles) -> dict[str, int]:
    """The epoch that was best, strictly better than those before and than the least that counts; and the last."""
    asked = run.config.get("checkpoint", {})
    values = run.by_epoch(f"{run.selection}/{asked.get('best_metric', 'accuracy')}")
    if not values:
        return {}
    best = max(values, key=lambda epoch: (values[epoch], -epoch))
    found = {"best": best} if values[best] > asked.get("best_above", 0.0) else {}
    return found | {"last": max(values)}


def _scores(run: RunFiles, checkpoint: str, epoch: int) -> dict[str, float]:
    series = {name: run.by_epoch(f"{run.selection}/{name}") for name in _SCORES}
    found = {name: values[epoch] for name, values in series.items() if epoch in values}
    step = _step(run, epoch)
    answers = read_answers(run.path, CHECKPOINTS[checkpoint], run.classes)
    if answers is not None and answers.step == step and run.selection == "eval":
        found["calibration_error"] = _calibration_error(answers)
    return {"epoch": float(epoch), "step": float(step), **found}


def _step(run: RunFiles, epoch: int) -> int:
    return next(line["step"] for line in reversed(run.lines) if line["epoch"] == epoch)


def _calibration_error(answers: Evaluation) -> float:
    return calibration_error(reliability(answers.labels == answers.predictions, answers.probabilities))
