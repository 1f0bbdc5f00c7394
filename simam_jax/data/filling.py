"""Fills a folder with a data set's images as files, in parallel."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from simam_jax.data.ahead import work_ahead
from simam_jax.data.content import Content, classes_of, content_of, training_images
from simam_jax.data.intake import Outcome, take_in
from simam_jax.data.names import write_names
from simam_jax.data.preview import draw_preview
from simam_jax.data.progress import Progress
from simam_jax.data.split import SPLITS, Placement


def fill(folder: Path, placements: Sequence[Placement], progress: Progress) -> Content:
    """Copies every good image to its place below `folder`, which is empty; writes `names.json`, draws `preview.png`.

    Raises:
      UsageError: no images, a class without one to train on, or none for evaluation.
      OSError: the folder cannot be written.
    """
    classes = classes_of(placements)
    for split in SPLITS:
        for class_name in classes:
            (folder / split / class_name).mkdir(parents=True)

    outcomes: list[Outcome] = []
    histogram = np.zeros((3, 256), np.int64)
    # Closed, so that no thread writes on after an error.
    with closing(work_ahead(partial(take_in, directory=folder), placements)) as stream:
        for examined in stream:
            outcome = examined.outcome
            outcomes.append(outcome)
            if outcome.reason:
                progress.say(f"left out {outcome.placement.original.path}: {outcome.reason}")
            elif outcome.placement.split == "train":
                histogram += examined.histogram
            progress.update("preparing images", len(outcomes), len(placements))

    content = content_of(classes, outcomes, histogram)
    write_names(folder, (outcome.placement for outcome in outcomes if not outcome.reason))
    picture = draw_preview(
        training_images(outcomes),
        read=lambda placement: (folder / placement.path).read_bytes(),
        seed=content["fingerprint"],
    )
    picture.save(folder / "preview.png")
    return content
