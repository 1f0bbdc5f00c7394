"""A dataset by its address: a prepared folder, or `tfds:NAME`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simam_jax.data.caltech101 import CLASSES_16, SEED_MEAN, SEED_STD
from simam_jax.data.folder import FolderExamples
from simam_jax.data.manifest import read_manifest
from simam_jax.data.records import Examples
from simam_jax.data.shard_examples import ShardExamples
from simam_jax.data.subset import cut_validation
from simam_jax.errors import UsageError


@dataclass(frozen=True)
class Dataset:
    """What training and inference know of their data.

    Attributes:
        classes: class names in label order.
        mean, std: of an RGB pixel in 0…1.
        fingerprint: changes with any byte of the data.
        open_split: gives the stored split "train" or "eval".
    """

    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fingerprint: str
    open_split: Callable[[str], Examples]


def open_dataset(address: str) -> Dataset:
    """Opens a dataset.

    Args:
        address: a folder that `prepare` made, or "tfds:NAME".

    Raises:
        UsageError: there is no such dataset; the message says how to make it.
    """
    if address.startswith("tfds:"):
        # Imported late: TFDS takes a second and few runs read it.
        from simam_jax.data.tfds_examples import open_tfds

        return open_tfds(address.removeprefix("tfds:"))
    directory = Path(address)
    manifest = read_manifest(directory)
    stored = FolderExamples if manifest.format == "files" else ShardExamples
    is_seeds = tuple(manifest.classes) == CLASSES_16
    return Dataset(
        classes=tuple(manifest.classes),
        mean=SEED_MEAN if is_seeds else tuple(manifest.mean),
        std=SEED_STD if is_seeds else tuple(manifest.std),
        fingerprint=manifest.fingerprint,
        open_split=lambda split: stored(directory, split, manifest),
    )


def open_splits(dataset: Dataset, *, val_fraction: float) -> dict[str, Examples]:
    """The splits that a run sees: train and eval, and val where a fraction of train is held out for it.

    Raises:
        UsageError: val_fraction is not in [0, 1), or leaves a split empty.
    """
    check_val_fraction(val_fraction)
    splits: dict[str, Examples] = {"train": dataset.open_split("train"), "eval": dataset.open_split("eval")}
    if val_fraction > 0:
        splits["train"], splits["val"] = cut_validation(splits["train"], val_fraction)
    for name, examples in splits.items():
        if not len(examples):
            raise UsageError(f"the {name} split is empty")
    return splits


def check_val_fraction(val_fraction: float) -> None:
    """Raises UsageError where so much of train cannot be held out."""
    if not 0 <= val_fraction < 1:
        raise UsageError(f"data.val_fraction must be at least 0 and below 1, got {val_fraction}")
