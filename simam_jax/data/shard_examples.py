"""A prepared folder's shards as examples."""

from pathlib import Path
from typing import Any

import numpy as np

from simam_jax.data.decode import decode
from simam_jax.data.manifest import Manifest
from simam_jax.data.names import read_names, require_count
from simam_jax.data.stored_records import StoredRecords, read_record
from simam_jax.data.tfds_shards import SPLIT_NAMES, VERSION, require_packages
from simam_jax.errors import UsageError


class ShardExamples:
    """The records of a split, whose order is that of the files DIR/SPLIT/CLASS/FILE of a folder."""

    def __init__(self, directory: Path, split: str, manifest: Manifest):
        """Opens the shards; reads no image yet.

        Raises:
            UsageError: the folder has changed since it was prepared, or a package is missing.
        """
        self._records = open_records(directory, split)
        require_count(directory, split, manifest, "its shards", len(self._records))
        self.names = read_names(directory, split, manifest)
        counts = [manifest.counts[split][class_name] for class_name in manifest.classes]
        self.labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        """The decoded image, uint8 (H, W, 3), and its label.

        Raises:
            BadImageError: the record cannot be read.
        """
        data = read_record(self._records, place)["image"]
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
