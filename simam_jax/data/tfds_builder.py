"""Opens a TensorFlow Datasets set for random access, without TensorFlow, and finds its image, label and splits."""

import dataclasses
import difflib
import os
import re
from typing import Any

import numpy as np

from simam_jax.data.stored_records import StoredRecords
from simam_jax.errors import UsageError

_EVAL = ("validation", "test")  # the first that is there is taken


@dataclasses.dataclass(frozen=True)
class ImageDataset:
    """A TFDS set of labelled images.

    Attributes:
      name: as the user gave it.
      image: the key of the image in a record.
      label: the key of the class label.
      classes: the label feature's class names, in its order, fit for folder names.
      splits: our split → the set's: `train` → `train`, `eval` → `validation` or else `test`; no `eval` without these.
      builder: the TFDS builder.
    """

    name: str
    image: str
    label: str
    classes: tuple[str, ...]
    splits: dict[str, str]
    builder: Any

    def records(self, split: str) -> StoredRecords:
        """The records of one of our splits, by index: the image as its encoded file's bytes, the label as an int."""
        import tensorflow_datasets as tfds

        try:
            return self.builder.as_data_source(self.splits[split], decoders={self.image: tfds.decode.SkipDecoding()})
        except NotImplementedError as error:
            raise UsageError(
                f"tfds:{self.name} is stored as {self.builder.info.file_format.value}, which has no random access: "
                f'prepare it with file_format="array_record"'
            ) from error


def open_image_dataset(name: str) -> ImageDataset:
    """Opens `NAME[/CONFIG][:VERSION]` below `$TFDS_DATA_DIR`; downloads and prepares it where it is not there yet.

    Raises:
      UsageError: no such set, it cannot be prepared (no network, say), a record is not one image of 8 or 16 bits and
        one class label, or no split is named train.
    """
    builder = _prepared_builder(name)
    image, label = _keys(name, builder.info)
    splits = list(builder.info.splits)
    if "train" not in splits:
        raise UsageError(f"tfds:{name} has no split named train, only {', '.join(splits) or 'none'}")
    held_out = next((split for split in _EVAL if split in splits), None)
    return ImageDataset(
        name=name,
        image=image,
        label=label,
        classes=tuple(_folder_name(each) for each in builder.info.features[label].names),
        splits={"train": "train"} | ({"eval": held_out} if held_out else {}),
        builder=builder,
    )


def _prepared_builder(name: str) -> Any:
    import tensorflow_datasets as tfds

    data_dir = os.environ.get("TFDS_DATA_DIR")
    try:
        builder = tfds.builder(name, data_dir=data_dir, try_gcs=False)
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        near = difflib.get_close_matches(re.split("[:/]", name)[0], known, n=3)
        hint = f", nearest: {', '.join(near)}" if near else ""
        raise UsageError(f"TensorFlow Datasets has no set named {name!r}{hint}") from None
    except Exception as error:  # a wrong version is an AssertionError, a wrong config a ValueError
        raise UsageError(f"tfds:{name} cannot be opened: {_first_line(error)}") from error
    if builder.is_prepared():
        return builder
    try:
        builder = tfds.builder(name, data_dir=data_dir, try_gcs=False, file_format="array_record")
        builder.download_and_prepare()
    except Exception as error:  # whatever the set's own code raises
        raise UsageError(
            f"tfds:{name} is not prepared below {builder.data_path.parent} and cannot be now: {_first_line(error)}"
        ) from error
    return builder


def _keys(name: str, info: Any) -> tuple[str, str]:
    import tensorflow_datasets as tfds

    features: dict[str, Any] = dict(info.features) if isinstance(info.features, tfds.features.FeaturesDict) else {}
    images = [key for key, one in features.items() if isinstance(one, tfds.features.Image)]
    labels = [key for key, one in features.items() if isinstance(one, tfds.features.ClassLabel)]
    supervised = info.supervised_keys
    if supervised and supervised[0] in images and supervised[1] in labels:
        images, labels = [supervised[0]], [supervised[1]]
    if len(images) != 1 or len(labels) != 1:
        raise UsageError(
            f"tfds:{name} is no set of labelled images: its records hold {', '.join(sorted(features)) or 'no fields'}"
        )
    dtype = np.dtype(features[images[0]].np_dtype)
    if dtype not in (np.uint8, np.uint16):
        raise UsageError(f"tfds:{name} holds images of {dtype}: only 8 and 16 bits are known")
    return images[0], labels[0]


def _folder_name(class_name: str) -> str:
    name = class_name.replace("/", "_")
    return f"_{name}" if name.startswith(".") else name


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
