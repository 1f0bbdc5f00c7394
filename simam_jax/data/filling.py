"""Fills a folder with a data set's images, in parallel, and counts what it holds."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TypedDict

import numpy as np

from simam_jax.data.intake import Outcome, take_in
from simam_jax.data.manifest import fingerprint
from simam_jax.data.pixel_statistics import Three, mean_and_std
from simam_jax.data.preview import draw_preview
from simam_jax.data.progress import Progress
from simam_jax.data.split import SPLITS, Placement
from simam_jax.errors import UsageError


class Content(TypedDict):
    """What a filled folder holds: the fields of `Manifest` that follow from its images."""

    classes: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    excluded: tuple[dict[str, str], ...]
    fingerprint: str
    mean: Three
    std: Three


def fill(folder: Path, placements: Sequence[Placement], progress: Progress) -> Content:
    """Copies every good image to its place below `folder`, which is empty, and draws `preview.png`.

    Raises:
      UsageError: no images, a class without one to train on, or none for evaluation.
      OSError: the folder cannot be written.
    """
    classes = tuple(sorted({placement.original.class_name for placement in placements}))
    _require_images(_count(classes, ((one.split, one.original.class_name) for one in placements)), "")
    for split in SPLITS:
        for class_name in classes:
            (folder / split / class_name).mkdir(parents=True)

    kept: list[tuple[str, str, str, str]] = []
    excluded: list[dict[str, str]] = []
    histogram = np.zeros((3, 256), np.int64)
    with closing(_outcomes(folder, placements)) as outcomes:  # closed, so that no thread writes on after an error
        for done, outcome in enumerate(outcomes, start=1):
            placement = outcome.placement
            if outcome.histogram is None:
                excluded.append({"path": placement.original.path, "reason": outcome.reason})
                progress.say(f"left out {placement.original.path}: {outcome.reason}")
            else:
                kept.append((placement.split, placement.original.class_name, placement.name, outcome.digest))
                histogram += outcome.histogram * (placement.split == "train")
            progress.update("preparing images", done, len(placements))

    counts = _count(classes, ((split, class_name) for split, class_name, _, _ in kept))
    _require_images(counts, " that is good")
    mark = fingerprint(kept)
    draw_preview(_training_files(folder, kept), seed=mark).save(folder / "preview.png")
    mean, std = mean_and_std(histogram)
    return Content(classes=classes, counts=counts, excluded=tuple(excluded), fingerprint=mark, mean=mean, std=std)


def _outcomes(folder: Path, placements: Sequence[Placement]) -> Generator[Outcome, None, None]:
    """Takes in every image, several at a time; the outcomes come in order, and one class at most waits in memory."""
    with ThreadPoolExecutor() as pool:
        for _, group in groupby(placements, key=lambda one: (one.original.class_name, one.split)):
            yield from pool.map(partial(take_in, directory=folder), list(group))


def _count(classes: Sequence[str], images: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counted = Counter(images)
    return {split: {class_name: counted[split, class_name] for class_name in classes} for split in SPLITS}


def _require_images(counts: dict[str, dict[str, int]], which: str) -> None:
    for class_name, images in counts["train"].items():
        if not images:
            held_out = counts["eval"][class_name]
            raise UsageError(f"class {class_name} has no training image{which} ({held_out} for evaluation): add to it")
    if not any(counts["eval"].values()):
        raise UsageError(f"no class has an image for evaluation{which}: add images")


def _training_files(folder: Path, kept: Iterable[tuple[str, str, str, str]]) -> dict[str, list[Path]]:
    files = defaultdict(list)
    for split, class_name, name, _ in kept:
        if split == "train":
            files[class_name].append(folder / split / class_name / name)
    return files
