"""How many classes a dataset has, without opening or downloading it."""

from pathlib import Path

from simam_jax.data.manifest import FILE_NAME, read_manifest
from simam_jax.data.selection import SUBSETS

_OF_SOURCES = {"caltech101": 101, "digits": 10, **{name: len(classes) for name, classes in SUBSETS.items()}}
_OF_TFDS = {"cifar10": 10, "cifar100": 100, "imagenet2012": 1000}


def class_count(address: str, source: str) -> int | None:
    """The number of classes, None where it is not known.

    Args:
        address: a prepared folder, or one that is not there yet, or "tfds:NAME".
        source: what `prepare` makes the folder from, or "".

    Raises:
        UsageError: the folder's manifest is damaged.
    """
    if address.startswith("tfds:"):
        return _OF_TFDS.get(address.removeprefix("tfds:").partition(":")[0].partition("/")[0])
    if address and (Path(address) / FILE_NAME).exists():
        return len(read_manifest(Path(address)).classes)
    return _OF_SOURCES.get(source)
