"""The names of a prepared folder's images, as they were when it was made: `names.json`."""

import json
from collections.abc import Iterable
from pathlib import Path

from simam_jax.data.manifest import Manifest
from simam_jax.data.split import SPLITS, Placement
from simam_jax.errors import UsageError

FILE_NAME = "names.json"


def write_names(directory: Path, placements: Iterable[Placement]) -> None:
    """Writes `names.json`: split → CLASS/FILE of each of its images, in the order of class and then of file name."""
    names: dict[str, list[str]] = {split: [] for split in SPLITS}
    for placement in sorted(placements, key=lambda each: (each.original.class_name, each.name)):
        names[placement.split].append(f"{placement.original.class_name}/{placement.name}")
    (directory / FILE_NAME).write_text(json.dumps(names, indent=0), encoding="utf-8")


def read_names(directory: Path, split: str, manifest: Manifest) -> list[str]:
    """The names of a split's images in order.

    Raises:
      UsageError: the file is missing or damaged, or names another number of images than the manifest.
    """
    path = directory / FILE_NAME
    try:
        names = list(json.loads(path.read_text(encoding="utf-8"))[split])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is missing or damaged: prepare {directory} again") from error
    require_count(directory, split, manifest, FILE_NAME, len(names))
    return names


def require_count(directory: Path, split: str, manifest: Manifest, what: str, count: int) -> None:
    """Checks that `what` of a prepared folder has as many images of a split as its manifest says.

    Raises:
      UsageError: it has not.
    """
    expected = sum(manifest.counts[split].values())
    if count != expected:
        raise UsageError(
            f"{directory} has {count} images of {split} in {what} where its manifest.json says {expected}: "
            f"the folder has changed since it was prepared; prepare it again into a new folder"
        )
