"""An evaluation as files: metrics.json, confusion.csv, per_class.csv and predictions.csv."""

import csv
import json
import math
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from simam_jax.errors import StorageError
from simam_jax.reporting.evaluation import Evaluation


def write_evaluation(folder: Path, evaluation: Evaluation, *, checkpoint: str) -> None:
    """Writes an evaluation's files, in place of earlier ones; each is whole or as it was.

    Args:
        folder: made where it is not there.
        evaluation: what to write.
        checkpoint: the word by which it was asked for, such as "best".

    Raises:
        StorageError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
            _write_table(Path(partial, "confusion.csv"), _confusion(evaluation))
            _write_table(Path(partial, "per_class.csv"), _classes(evaluation))
            _write_table(Path(partial, "predictions.csv"), _predictions(evaluation))
            Path(partial, "metrics.json").write_text(json.dumps(_metrics(evaluation, checkpoint), indent=2) + "\n")
            for name in os.listdir(partial):
                Path(partial, name).replace(folder / name)
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror or error}") from error


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


def _write_table(path: Path, rows: Iterable[Iterable[object]]) -> None:
    # File names need not be UTF-8.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
