"""What was recognised of corrupted images, as files: robustness.json in numbers, robustness.csv image by image."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simam_jax.errors import StorageError

NUMBERS, IMAGES = "robustness.json", "robustness.csv"


def write_robustness(
    run: Path, *, step: int, clean: float, names: Sequence[str], correct: Mapping[tuple[str, int], np.ndarray]
) -> None:
    """Writes both files into a run's folder, the numbers last; each is whole or as it was.

    Args:
        run: the run's folder.
        step: of its best checkpoint, which was measured.
        clean: accuracy on the images as they are.
        names: the images'.
        correct: by corruption and strength which were recognised, bool (N,).

    Raises:
        StorageError: they cannot be written.
    """
    numbers: dict[str, Any] = {"checkpoint": "best", "step": step, "clean": clean}
    for (name, strength), recognised in correct.items():
        numbers.setdefault(name, {})[str(strength)] = float(recognised.mean())
    rows = [["path", *(f"{name}-{strength}" for name, strength in correct)]]
    rows += [[name, *map(int, marks)] for name, *marks in zip(names, *correct.values(), strict=True)]
    try:
        partial = run / f".{IMAGES}.partial"
        with partial.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        partial.replace(run / IMAGES)
        partial = run / f".{NUMBERS}.partial"
        partial.write_text(json.dumps(numbers, indent=2) + "\n")
        partial.replace(run / NUMBERS)
    except OSError as error:
        raise StorageError(f"cannot write to {run}: {os.strerror(error.errno or 0)}") from error


def read_recognised(run: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """The images' names, N, and by corruption which of them were recognised at each strength, bool (3, N)."""
    with (run / IMAGES).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        header, *rows = csv.reader(file)
    marks = np.array([row[1:] for row in rows]) == "1"
    by_name: dict[str, list[np.ndarray]] = {}
    for place, column in enumerate(header[1:]):
        by_name.setdefault(column.rpartition("-")[0], []).append(marks[:, place])
    return [row[0] for row in rows], {name: np.stack(columns) for name, columns in by_name.items()}
