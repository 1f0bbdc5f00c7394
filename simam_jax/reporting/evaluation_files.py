"""An evaluation as files: metrics.json, confusion.csv, per_class.csv and predictions.csv."""

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path

from simam_jax.reporting.evaluation import Evaluation
from simam_jax.reporting.whole_files import write_whole


def write_evaluation(folder: Path, evaluation: Evaluation, *, checkpoint: str) -> None:
    """Writes an evaluation's files, in place of earlier ones, the metrics last; each is whole or as it was.

    Args:
        folder: made where it is not there.
        evaluation: what to write.
        checkpoint: the word by which it was asked for, such as "best".

    Raises:
        StorageError: they cannot be written.
    """
    write_whole(
        folder,
        {
            "confusion.csv": _table(_confusion(evaluation)),
            "per_class.csv": _table(_classes(evaluation)),
            "predictions.csv": _table(_predictions(evaluation)),
            "metrics.json": json.dumps(_metrics(evaluation, checkpoint), indent=2) + "\n",
        },
    )


def _metrics(evaluation: Evaluation, checkpoint: str) -> dict[str, object]:
    values = {name: value if math.isfinite(value) else None for name, value in evaluation.metrics.items()}
    return {"step": evaluation.step, "checkpoint": checkpoint, "count": evaluation.count, **values}


def _confusion(evaluation: Evaluation) -> Iterable[Iterable[object]]:
    yield ["truth", *evaluation.classes]
    for name, row in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True):
        yield [name, *row]


def _classes(evaluation: Evaluation) -> Iterable[Iterable[object]]:
    yield ["class", "count", "correct", "recall", "precision", "f1"]
    for name, images, correct, *ratios in evaluation.scores:
        yield [name, images, correct, *("" if ratio is None else f"{ratio:.6f}" for ratio in ratios)]


def _predictions(evaluation: Evaluation) -> Iterable[Iterable[object]]:
    yield ["path", "label", "prediction", "probability", "correct"]
    classes = evaluation.classes
    columns = (evaluation.names, evaluation.labels, evaluation.predictions, evaluation.probabilities)
    for name, label, prediction, probability in zip(*columns, strict=True):
        correct = "true" if label == prediction else "false"
        yield [name, classes[label], classes[prediction], f"{probability:.6g}", correct]


def _table(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
