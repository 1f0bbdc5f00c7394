"""What was recognised of corrupted images, as files: robustness.json in numbers, robustness.csv image by image."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simam_jax.errors import UsageError
from simam_jax.reporting.json_file import read_object
from simam_jax.reporting.whole_files import write_whole

_NUMBERS, _IMAGES = "robustness.json", "robustness.csv"
_ABOUT = ("checkpoint", "step")


class Robustness(NamedTuple):
    """What a checkpoint recognised of corrupted images.

    Attributes:
        step: of the checkpoint.
        accuracies: of clean images under "clean", and by corruption and strength, a strength being "1", "2" or "3".
        names: the images', N.
        recognised: by corruption, at each strength in turn, which images were, bool (strengths, N).
    """

    step: int
    accuracies: Mapping[str, Any]
    names: Sequence[str]
    recognised: Mapping[str, np.ndarray]


def write_robustness(
    folder: Path,
    *,
    checkpoint: str,
    step: int,
    clean: float,
    names: Sequence[str],
    correct: Mapping[tuple[str, int], np.ndarray],
) -> None:
    """Writes both files, the numbers last; each is whole or as it was.

    Args:
        folder: that of the checkpoint's evaluation.
        checkpoint: the word by which it was asked for, such as "best".
        step: of the checkpoint.
        clean: accuracy on the images as they are.
        names: the images'.
        correct: by corruption and strength which were recognised, bool (N,).

    Raises:
        StorageError: they cannot be written.
    """
    numbers: dict[str, Any] = {"checkpoint": checkpoint, "step": step, "clean": clean}
    for (name, strength), recognised in correct.items():
        numbers.setdefault(name, {})[str(strength)] = float(recognised.mean())
    rows = [["path", *(f"{name}-{strength}" for name, strength in correct)]]
    rows += [[name, *map(int, marks)] for name, *marks in zip(names, *correct.values(), strict=True)]
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    write_whole(folder, {_IMAGES: table.getvalue(), _NUMBERS: json.dumps(numbers, indent=2) + "\n"})


def read_robustness(folder: Path) -> Robustness | None:
    """Reads both files; None where there are none.

    Raises:
        UsageError: one is damaged, or they do not fit together.
    """
    if not (folder / _NUMBERS).is_file():
        return None
    numbers = read_object(folder / _NUMBERS)
    path = folder / _IMAGES
    try:
        accuracies = {name: value for name, value in numbers.items() if name not in _ABOUT}
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        if not rows or {len(row) for row in rows} != {len(header)}:
            raise ValueError("its rows differ in length, or there are none")
        marks = np.array([row[1:] for row in rows])
        if not np.isin(marks, ("0", "1")).all():
            raise ValueError("a mark is neither 0 nor 1")
        by_name: dict[str, list[np.ndarray]] = {}
        for place, column in enumerate(header[1:]):
            name, _, strength = column.rpartition("-")
            float(accuracies[name][strength])
            by_name.setdefault(name, []).append(marks[:, place] == "1")
        recognised = {name: np.stack(columns) for name, columns in by_name.items()}
        return Robustness(int(numbers["step"]), accuracies, [row[0] for row in rows], recognised)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except (csv.Error, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is damaged, or {_NUMBERS} beside it: {error}; remove both to measure again"
        ) from error
