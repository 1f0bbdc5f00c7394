"""Reads a TensorFlow Datasets set as if it were files."""

import functools
from collections.abc import Iterator

from simam_jax.data.decode import BadImageError, decode
from simam_jax.data.encode import encode_png
from simam_jax.data.original import Original
from simam_jax.data.progress import Progress
from simam_jax.data.stored_records import StoredRecords, read_record
from simam_jax.data.tfds_builder import ImageDataset, open_image_dataset
from simam_jax.errors import UsageError

_PNG = b"\x89PNG\r\n\x1a\n"


def tfds_originals(name: str, progress: Progress) -> Iterator[Original]:
    """Yields the records of a TFDS set as PNG files `000000.png`, `000001.png`, … by their place in the split.

    Records stored as PNG are kept byte for byte, others are decoded and encoded anew, at native size. `train` becomes
    train, `validation` or else `test` becomes eval; a set with neither is left to the seed's rule.

    Raises:
      UsageError: as `open_image_dataset`, or a record has no label, or none that can be read.
    """
    dataset = open_image_dataset(name)
    whole = "eval" not in dataset.splits
    if whole:
        progress.say(f"tfds:{name} has neither validation nor test: its train is split as a folder would be")
    for split in dataset.splits:
        records = dataset.records(split)
        for index, label in enumerate(_labels(dataset, split, progress)):
            read = functools.partial(_png, records, index, dataset.image)
            yield Original(dataset.classes[label], f"{index:06d}.png", read, split=None if whole else split)


def _labels(dataset: ImageDataset, split: str, progress: Progress) -> Iterator[int]:
    records = dataset.records(split)
    for index in range(len(records)):
        try:
            label = int(read_record(records, index)[dataset.label])
        except BadImageError as error:
            raise UsageError(f"tfds:{dataset.name}: record {index} of {dataset.splits[split]}: {error}") from error
        if not 0 <= label < len(dataset.classes):
            raise UsageError(f"tfds:{dataset.name} has no label for record {index} of {dataset.splits[split]}")
        progress.update(f"listing {dataset.splits[split]}", index + 1, len(records))
        yield label


def _png(records: StoredRecords, index: int, key: str) -> bytes:
    data = read_record(records, index)[key]
    return data if data.startswith(_PNG) else encode_png(decode(data))
