"""A TensorFlow Datasets set as examples, read in place and without TensorFlow."""

import contextlib
import hashlib
from functools import cached_property

import numpy as np

from simam_jax.data.dataset import Dataset
from simam_jax.data.decode import BadImageError, decode
from simam_jax.data.stored_records import read_record
from simam_jax.data.tfds_builder import ImageDataset, open_image_dataset
from simam_jax.errors import UsageError

# Mean and standard deviation of the training pixels as the paper's recipes have them.
_NORMALISATION = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "imagenet2012": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
# Of any other set, over as many training images, evenly spaced.
_SAMPLE = 1000


class TfdsExamples:
    """One split, by place."""

    def __init__(self, dataset: ImageDataset, split: str):
        """Opens "train" or "eval"."""
        self._dataset = dataset
        self._records = dataset.records(split)
        self.names = [f"{dataset.splits[split]}/{place}" for place in range(len(self._records))]

    @cached_property
    def labels(self) -> np.ndarray:
        """int32 (N,); the first use reads the whole split.

        Raises:
            UsageError: a record cannot be read, and so not be placed among those of its class.
        """
        return np.array([self._label(place) for place in range(len(self))], np.int32)

    def _label(self, place: int) -> int:
        try:
            return int(read_record(self._records, place)[self._dataset.label])
        except BadImageError as error:
            raise UsageError(f"cannot read the label of {self.names[place]}: {error}") from error

    def __len__(self) -> int:
        return len(self._records)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        """The decoded image, uint8 (H, W, 3), and its label.

        Raises:
            BadImageError: it cannot be read or decoded, or has no label.
        """
        record = read_record(self._records, place)
        label = int(record[self._dataset.label])
        if label < 0:
            raise BadImageError("it has no label")
        return decode(record[self._dataset.image]), label


def open_tfds(name: str) -> Dataset:
    """Opens the set NAME; its train is train, and its validation or else its test is eval.

    Raises:
        UsageError: there is no such set of labelled images, or it has no split to evaluate on.
    """
    dataset = open_image_dataset(name)
    if "eval" not in dataset.splits:
        raise UsageError(
            f"tfds:{name} has neither validation nor test to evaluate on: "
            f"split it by `python -m simam_jax.prepare --source tfds:{name} --out DIR` and train on DIR"
        )
    mean, std = _NORMALISATION.get(dataset.builder.name) or _estimate(TfdsExamples(dataset, "train"))
    return Dataset(
        classes=dataset.classes,
        mean=mean,
        std=std,
        fingerprint=_fingerprint(dataset),
        # Pyright takes no cached property for a property.
        open_split=lambda split: TfdsExamples(dataset, split),  # pyright: ignore[reportArgumentType]
    )


def _estimate(examples: TfdsExamples) -> tuple[tuple[float, ...], tuple[float, ...]]:
    places = np.unique(np.linspace(0, len(examples) - 1, _SAMPLE).astype(int))
    pixels = []
    for place in places:
        # One that cannot be read is reported when it is its turn.
        with contextlib.suppress(BadImageError):
            pixels.append(examples.read(int(place))[0].reshape(-1, 3) / 255)
    count = sum(len(each) for each in pixels)
    mean = sum((each.sum(0) for each in pixels), np.zeros(3)) / count
    variance = sum(np.square(each - mean).sum(0) for each in pixels) / count
    # A channel that never varies is left as it is.
    return tuple(map(float, mean)), tuple(float(each) or 1.0 for each in np.sqrt(variance))


def _fingerprint(dataset: ImageDataset) -> str:
    """A digest of the set's full name and of its splits' shards; the data itself may be too large to read."""
    info = dataset.builder.info
    lines = [info.full_name]
    lines += [f"{name} {info.splits[name].shard_lengths} {info.splits[name].num_bytes}" for name in sorted(info.splits)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
