"""Which classes are taken for which."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simam_jax.reporting.page.numbers import count, percent
from simam_jax.reporting.page.sections.section import Section, of
from simam_jax.reporting.page.table import Column, Table, name, number
from simam_jax.reporting.page.variant import Variant, shown_epoch

# A matrix of more classes cannot be read.
MOST_CLASSES = 32
_MOST_PAIRS = 12


class Square(NamedTuple):
    """A cell of a matrix: what it says, and its share of its row, from which it has its colour."""

    text: str
    share: float


class Matrix(NamedTuple):
    """Rows are truth."""

    title: str
    classes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Square]]]
    pairs: Table


def confusion_section(variants: Sequence[Variant]) -> Section | None:
    """A matrix a variant, of up to 32 classes, and the commonest mistakes as a table; the seeds of each together."""
    matrices = [_matrix(variant) for variant in variants if variant.answers]
    if not matrices:
        return None
    single = len(variants) == 1 and len(variants[0].trials) == 1
    values = {"matrices": matrices, "counts": single, "epoch": shown_epoch(variants)}
    return Section("confusion", "What is taken for what", "confusion.html", values)


def _matrix(variant: Variant) -> Matrix:
    answers = variant.answers
    classes = answers[0].classes
    counts = np.sum([each.confusion for each in answers], axis=0)
    sizes = counts.sum(1, keepdims=True)
    shares = np.divide(counts, sizes, out=np.zeros(counts.shape), where=sizes > 0)
    rows = _rows(counts, shares, classes, whole=len(answers) == 1) if len(classes) <= MOST_CLASSES else []
    return Matrix(of(variant.attention, variant.network), classes, rows, _pairs(counts, shares, classes, len(answers)))


def _rows(
    counts: np.ndarray, shares: np.ndarray, classes: Sequence[str], *, whole: bool
) -> list[tuple[str, list[Square]]]:
    return [
        (truth, [Square(_said(n, share, whole=whole), share) for n, share in zip(ns, ratios, strict=True)])
        for truth, ns, ratios in zip(classes, counts.tolist(), shares.tolist(), strict=True)
    ]


def _said(number_of_images: int, share: float, *, whole: bool) -> str:
    """A count of one trial's images; of several trials, percent."""
    if not number_of_images:
        return "·"
    if whole:
        return str(number_of_images)
    return f"{100 * share:.0f}" if share >= 0.01 else "<1"


def _pairs(counts: np.ndarray, shares: np.ndarray, classes: Sequence[str], trials: int) -> Table:
    wrong = counts * (1 - np.eye(len(classes), dtype=np.int64))
    rows = []
    places: list[int] = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS].tolist()
    for place in places:
        truth, answer = divmod(place, len(classes))
        images, share = int(wrong[truth, answer]), float(shares[truth, answer])
        if images:
            said = count(images) if trials == 1 else f"{images / trials:.1f}"
            row = [name(classes[truth]), name(classes[answer]), number(images / trials, said)]
            rows.append([*row, number(share, percent(share))])
    images = "images" if trials == 1 else "images a seed"
    columns = [Column("truth", numeric=False), Column("answer", numeric=False), Column(images), Column("of the class")]
    return Table("The commonest mistakes", columns, rows, heads=2, sortable=True)
