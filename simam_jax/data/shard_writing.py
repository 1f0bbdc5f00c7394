"""Writes one shard: images to records in a file."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simam_jax.data.intake import Examined, Outcome
from simam_jax.data.shard_journal import Shard

SHARD_BYTES = 128 * 2**20
"""A shard ends with the image that brings it to so many bytes."""


def write_shard(
    path: Path, split: str, images: Iterator[Examined], serialise: Callable[[dict[str, Any]], bytes]
) -> Shard:
    """Takes images until the shard is large enough or there are no more, and leaves the file on the disk.

    Args:
      path: the file to write; it is not there where no image is good.
      split: the images'.
      images: as many of them are taken as the shard says.
      serialise: from a record's fields to its bytes.

    Raises:
      OSError: the file cannot be written; it is removed.
    """
    outcomes: list[Outcome] = []
    histogram = np.zeros((3, 256), np.int64)
    file = _RecordFile(path)
    try:
        for examined in images:
            placement = examined.outcome.placement
            outcomes.append(examined.outcome)
            if not examined.outcome.reason:
                fields = {
                    "image": examined.data,
                    "label": placement.original.class_name,
                    "file_name": os.fsencode(placement.name),  # which may be no UTF-8
                }
                file.write(serialise(fields))
                histogram += examined.histogram
            if file.num_bytes >= SHARD_BYTES:
                break
        file.close()
        file_size = path.stat().st_size
        if not file.records:
            path.unlink()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Shard(
        split=split,
        digests=[outcome.digest for outcome in outcomes],
        reasons=[outcome.reason for outcome in outcomes if outcome.reason],
        histogram=histogram.tolist(),
        records=file.records,
        num_bytes=file.num_bytes,
        file_size=file_size,
    )


class _RecordFile:
    """An ArrayRecord file that is being written.

    Attributes:
      records: how many so far.
      num_bytes: their length.
    """

    def __init__(self, path: Path):
        from array_record.python.array_record_module import ArrayRecordWriter

        self.records = self.num_bytes = 0
        self._path = path
        self._writer = ArrayRecordWriter(os.fspath(path), "group_size:1")  # a group is what is read at once

    def write(self, record: bytes) -> None:
        """Adds a record.

        Raises:
          OSError: it, or one before, could not be written.
        """
        with self._failing():
            self._writer.write(record)
        self.records += 1
        self.num_bytes += len(record)

    def close(self) -> None:
        """Ends the file, which is then on the disk.

        Raises:
          OSError: as `write`.
        """
        with self._failing():
            self._writer.close()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # ArrayRecord's, which has no number; the cause comes first
            raise OSError(errno.EIO, str(error).split(";")[0], str(self._path)) from error
