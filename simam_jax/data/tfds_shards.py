"""Sharded ArrayRecord that TensorFlow Datasets reads: its records, its files and their description, without TensorFlow.

A record is a serialised `tf.train.Example` with `image`, the file's bytes as they are, `label` and `file_name`.
"""

import importlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError

SPLIT_NAMES = {"train": "train", "eval": "test"}
"""Our splits → TFDS's, where held-out images are usually called test."""

VERSION = "1.0.0"
"""Of the set, as TFDS counts; a folder of that name holds it."""

_FORMAT = "array_record"


@dataclass(frozen=True)
class Shards:
    """The shards of a split, in order.

    Attributes:
      files: their paths.
      lengths: how many records each has.
      num_bytes: of all records, serialised.
    """

    files: Sequence[Path]
    lengths: Sequence[int]
    num_bytes: int


def require_packages() -> None:
    """Checks that ArrayRecord can be written and read here.

    Raises:
      UsageError: a package is missing.
    """
    try:
        for name in ("tensorflow_datasets", "array_record.python.array_record_module"):
            importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"ArrayRecord needs the packages tensorflow-datasets and array_record ({error}): "
            f"pip install 'simam-jax[train]'; array_record has no wheels for Windows, take `--format files` there"
        ) from error


def dataset_name(target: Path) -> str:
    """The TFDS name of what is prepared in `target`: its name fit for TFDS, and for no set that TFDS knows itself."""
    return f"prepared_{re.sub('[^a-z0-9]+', '_', target.name.lower()).strip('_')}".rstrip("_")


def record_features(classes: Sequence[str]) -> Any:
    """The TFDS features of a record.

    Raises:
      UsageError: a class whose name begins or ends with a space, which TFDS's file of class names cannot hold.
    """
    import tensorflow_datasets as tfds

    for name in classes:
        if name != name.strip():
            raise UsageError(f"class {name!r} begins or ends with a space, which TFDS takes away: rename it")
    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(),
            "label": tfds.features.ClassLabel(names=list(classes)),
            "file_name": tfds.features.Text(),
        }
    )


def serialiser(features: Any) -> Callable[[dict[str, Any]], bytes]:
    """Gives a function from a record's fields to its bytes, the same in every process.

    A feature's own `serialize_example` writes the fields in an order that differs between processes.
    """
    from tensorflow_datasets.core.example_serializer import ExampleSerializer

    of_encoded = ExampleSerializer(features.get_serialized_info())

    def serialise(fields: dict[str, Any]) -> bytes:
        return of_encoded.get_tf_example(features.encode_example(fields)).SerializeToString(deterministic=True)

    return serialise


def write_set(folder: Path, name: str, features: Any, shards: Mapping[str, Shards]) -> None:
    """Names shards `FOLDER/NAME/1.0.0/NAME-SPLIT.array_record-00000-of-0000N` and describes them there for TFDS.

    Args:
      folder: exists; a TFDS data folder afterwards.
      name: the TFDS name.
      features: from `record_features`.
      shards: our split → its shards, which lie on the same file system.
    """
    import tensorflow_datasets as tfds
    from etils import epath

    inside = folder / name / VERSION
    inside.mkdir(parents=True)
    infos = []
    for split, theirs in SPLIT_NAMES.items():
        count = len(shards[split].files)
        for index, file in enumerate(shards[split].files):
            _give_name(file, inside / f"{name}-{theirs}.{_FORMAT}-{index:05d}-of-{count:05d}")
        template = tfds.core.ShardedFileTemplate(
            data_dir=epath.Path(inside), dataset_name=name, split=theirs, filetype_suffix=_FORMAT
        )
        infos.append(
            tfds.core.SplitInfo(
                name=theirs,
                shard_lengths=list(shards[split].lengths),
                num_bytes=shards[split].num_bytes,
                filename_template=template,
            )
        )
    tfds.folder_dataset.write_metadata(
        data_dir=inside,
        features=features,
        split_infos=infos,
        version=VERSION,
        check_data=False,  # it would need TensorFlow
        disable_shuffling=True,  # the order is the folder's
        description="Images in the order of class and then of file name; `image` holds a file's bytes unchanged.",
        supervised_keys=("image", "label"),
    )


def _give_name(file: Path, name: Path) -> None:
    """A second name, so that an interruption finds all under their first; the only one where there are no links."""
    try:
        os.link(file, name)
    except OSError:
        file.rename(name)
