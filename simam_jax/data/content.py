"""What a prepared data set holds, from what became of its images."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TypedDict

import numpy as np

from simam_jax.data.intake import Outcome
from simam_jax.data.manifest import fingerprint
from simam_jax.data.pixel_statistics import Three, mean_and_std
from simam_jax.data.split import SPLITS, Placement
from simam_jax.errors import UsageError


class Content(TypedDict):
    """The fields of `Manifest` that follow from the images."""

    classes: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    excluded: tuple[dict[str, str], ...]
    fingerprint: str
    mean: Three
    std: Three


def classes_of(placements: Sequence[Placement]) -> tuple[str, ...]:
    """The classes of what is to be prepared, in label order.

    Raises:
      UsageError: no images, a class without one to train on, or none for evaluation.
    """
    classes = tuple(sorted({placement.original.class_name for placement in placements}))
    _require_images(_count(classes, placements), "")
    return classes


def content_of(classes: Sequence[str], outcomes: Sequence[Outcome], histogram: np.ndarray) -> Content:
    """Describes a prepared data set.

    Args:
      classes: from `classes_of`.
      outcomes: of all images, in the order in which those left out are to be listed.
      histogram: of the training pixels, int64 (3, 256).

    Raises:
      UsageError: a class without a good image to train on, or none for evaluation.
    """
    counts = _count(classes, (outcome.placement for outcome in outcomes if not outcome.reason))
    _require_images(counts, " that is good")
    mean, std = mean_and_std(histogram)
    return Content(
        classes=tuple(classes),
        counts=counts,
        excluded=tuple({"path": one.placement.original.path, "reason": one.reason} for one in outcomes if one.reason),
        fingerprint=fingerprint(
            (one.placement.split, one.placement.original.class_name, one.placement.name, one.digest)
            for one in outcomes
            if not one.reason
        ),
        mean=mean,
        std=std,
    )


def training_images(outcomes: Iterable[Outcome]) -> dict[str, list[Placement]]:
    """The good training images of every class, classes and images in the order of `outcomes`."""
    images = defaultdict(list)
    for outcome in outcomes:
        if not outcome.reason and outcome.placement.split == "train":
            images[outcome.placement.original.class_name].append(outcome.placement)
    return images


def _count(classes: Sequence[str], placements: Iterable[Placement]) -> dict[str, dict[str, int]]:
    counted = Counter((placement.split, placement.original.class_name) for placement in placements)
    return {split: {class_name: counted[split, class_name] for class_name in classes} for split in SPLITS}


def _require_images(counts: dict[str, dict[str, int]], which: str) -> None:
    for class_name, images in counts["train"].items():
        if not images:
            held_out = counts["eval"][class_name]
            raise UsageError(f"class {class_name} has no training image{which} ({held_out} for evaluation): add to it")
    if not any(counts["eval"].values()):
        raise UsageError(f"no class has an image for evaluation{which}: add images")
