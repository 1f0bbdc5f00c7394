"""A prepared folder's shards as examples."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from simam_jax.data.decode import BadImageError, decode
from simam_jax.data.manifest import Manifest
from simam_jax.data.split import SPLITS, Placement
from simam_jax.data.tfds_shards import SPLIT_NAMES, VERSION, require_packages
from simam_jax.errors import UsageError

_NAMES = "names.json"


@runtime_checkable
class StoredRecords(Protocol):
    """Records by place, read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> dict[str, Any]: ...


class ShardExamples:
    """The records of a split, whose order is that of the files DIR/SPLIT/CLASS/FILE of a folder."""

    def __init__(self, directory: Path, split: str, manifest: Manifest):
        """Opens the shards; reads no image yet.

        Raises:
            UsageError: the folder has changed since it was prepared, or a package is missing.
        """
        self._records = open_records(directory, split)
        self.names = _read_names(directory, split)
        counts = [manifest.counts[split][class_name] for class_name in manifest.classes]
        self.labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        for what, count in (("its shards", len(self._records)), (_NAMES, len(self.names))):
            if count != len(self):
                raise UsageError(
                    f"{directory} has {count} images of {split} in {what} where its manifest.json says {len(self)}: "
                    f"the folder has changed since it was prepared; prepare it again into a new folder"
                )

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        """The decoded image, uint8 (H, W, 3), and its label.

        Raises:
            BadImageError: the record cannot be read.
        """
        try:
            data = self._records[place]["image"]
        except RuntimeError as error:  # ArrayRecord's for every damage, and for a file that has gone
            raise BadImageError(" ".join(str(error).split())) from error
        # Trusted: `prepare` decoded every file.
        return decode(data, trusted=True), int(self.labels[place])


def open_records(folder: Path, split: str) -> StoredRecords:
    """The records of one of our splits below a folder in which `write_set` wrote; images as their files' bytes.

    Raises:
      UsageError: the set or one of its shards is not there, or a package is missing.
    """
    require_packages()
    import tensorflow_datasets as tfds

    found = [path.parent for path in folder.glob(f"*/{VERSION}/dataset_info.json")]
    if len(found) != 1:
        raise UsageError(f"{folder} should hold one TFDS set in */{VERSION}/, but has {len(found)}: prepare it again")
    try:
        builder: Any = tfds.builder_from_directory(found[0])
        info = builder.info.splits[SPLIT_NAMES[split]]
    except Exception as error:  # whatever a damaged description gives
        raise UsageError(f"{found[0]} is damaged ({' '.join(str(error).split())}): prepare it again") from error
    missing = [str(file) for file in info.filepaths if not Path(file).is_file()]
    if missing:
        raise UsageError(f"{missing[0]} is missing: {folder} has changed since it was prepared; prepare it again")
    return builder.as_data_source(SPLIT_NAMES[split], decoders={"image": tfds.decode.SkipDecoding()})


def write_names(directory: Path, placements: Iterable[Placement]) -> None:
    """Writes `names.json`: split → CLASS/FILE of each of its records in order."""
    names: dict[str, list[str]] = {split: [] for split in SPLITS}
    for placement in placements:
        names[placement.split].append(f"{placement.original.class_name}/{placement.name}")
    (directory / _NAMES).write_text(json.dumps(names, indent=0), encoding="utf-8")


def _read_names(directory: Path, split: str) -> list[str]:
    try:
        return list(json.loads((directory / _NAMES).read_text(encoding="utf-8"))[split])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{directory / _NAMES} is missing or damaged: prepare {directory} again") from error
