"""Predictions as text that can be printed while they come."""

import csv
import io
import json
from collections.abc import Iterable, Sequence

from simam_jax.reporting.prediction import Guess, Prediction

# The longest path that widens the table's first column; a longer one only pushes its own line to the right.
_WIDEST_PATH = 60


class Table:
    """Columns for people: path, rank, class, probability. A path is written once; an image without an answer is not."""

    def __init__(self, paths: Iterable[str], classes: Iterable[str]):
        """Columns wide enough for these paths and classes."""
        self._path = max((len(path) for path in paths if len(path) <= _WIDEST_PATH), default=0)
        self._class = max(map(len, classes))

    def header(self) -> str:
        """The first line."""
        return self._line("path", "rank", "class", "probability")

    def rows(self, predictions: Sequence[Prediction]) -> str:
        """A line a class."""
        return "".join(
            self._line("" if rank > 1 else each.path, str(rank), name, f"{probability:.4f}")
            for each in predictions
            for rank, (name, probability) in enumerate(each.top, start=1)
        )

    def _line(self, path: str, rank: str, name: str, probability: str) -> str:
        return f"{path:<{self._path}}  {rank:>4}  {name:<{self._class}}  {probability:>11}\n"


class Csv:
    """`path,rank,class,probability`, a line a class; an image without an answer has none."""

    def header(self) -> str:
        """The first line."""
        return _csv_lines([("path", "rank", "class", "probability")])

    def rows(self, predictions: Sequence[Prediction]) -> str:
        """A line a class."""
        return _csv_lines(
            (each.path, rank, guess.name, _six_digits(guess))
            for each in predictions
            for rank, guess in enumerate(each.top, start=1)
        )


class JsonLines:
    """An object a line: {"path", "top": [{"class", "probability"}, …]}, or {"path", "error"}."""

    def header(self) -> str:
        """Nothing."""
        return ""

    def rows(self, predictions: Sequence[Prediction]) -> str:
        """A line an image."""
        return "".join(json.dumps(_object(each)) + "\n" for each in predictions)


Format = Table | Csv | JsonLines

FORMATS = ("table", "csv", "jsonl")


def create_format(name: str, *, paths: Iterable[str], classes: Iterable[str]) -> Format:
    """A format by its name, one of `FORMATS`; `paths` and `classes` are those that may come."""
    if name == "table":
        return Table(paths, classes)
    return Csv() if name == "csv" else JsonLines()


def _object(prediction: Prediction) -> dict[str, object]:
    if prediction.error:
        return {"path": prediction.path, "error": prediction.error}
    top = [{"class": guess.name, "probability": float(_six_digits(guess))} for guess in prediction.top]
    return {"path": prediction.path, "top": top}


def _six_digits(guess: Guess) -> str:
    return f"{guess.probability:.6g}"


def _csv_lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
