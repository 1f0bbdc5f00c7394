"""A checkpoint measured on a split, by the metrics of training."""

import jax
import numpy as np
from jaxtyping import Array, Float
from scipy.special import softmax

from simam_jax.data.pipeline import eval_batches
from simam_jax.errors import UsageError
from simam_jax.inference.forward import Forward
from simam_jax.inference.restore import Classifier
from simam_jax.inference.split import Split
from simam_jax.reporting.evaluation import Evaluation
from simam_jax.training.feed import feed
from simam_jax.training.metrics import EvalMetrics, to_floats
from simam_jax.training.step import Batch, measure


def evaluate(classifier: Classifier, split: Split, forward: Forward | None = None) -> Evaluation:
    """Runs a classifier over every image of a split once.

    The metrics are those that training writes as `eval/…` for the same step and data, to rounding. Images that cannot
    be read enter nothing.

    Args:
        classifier: the network.
        split: the images.
        forward: the classifier's, where it is asked about several splits: it is compiled once.

    Raises:
        UsageError: no image could be read.
    """
    forward = forward or Forward(classifier, batch_size=split.batch_size)
    total: EvalMetrics | None = None
    answers: list[tuple[np.ndarray, ...]] = []
    for batch in feed(eval_batches(split.records, batch_size=forward.batch_size), classifier.mesh):
        logits = forward(batch)
        metrics = _measure(logits, batch)
        total = metrics if total is None else _merge(total, metrics)
        answers.append(_answers(batch, logits))
    places, labels, predictions, probabilities = (np.concatenate(column) for column in zip(*answers, strict=True))
    if total is None or not len(places):
        raise UsageError(f"no image of the {split.label} split could be read")
    return Evaluation(
        step=classifier.step,
        metrics=to_floats(total),
        classes=classifier.classes,
        names=[split.names[int(place)] for place in places],
        labels=labels,
        predictions=predictions,
        probabilities=probabilities,
    )


def _answers(batch: Batch, logits: Float[Array, "B classes"]) -> tuple[np.ndarray, ...]:
    """Of the images that count: place in the split, label, prediction and the prediction's probability."""
    counts = np.asarray(batch["mask"]) > 0
    places, labels = np.asarray(batch["index"])[counts], np.asarray(batch["label"])[counts]
    scores = np.asarray(logits, np.float64)[counts]
    return places, labels, scores.argmax(-1), softmax(scores, axis=-1).max(-1)


_measure = jax.jit(measure)
_merge = jax.jit(EvalMetrics.merge)
