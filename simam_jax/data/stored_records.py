"""The records of a TensorFlow Datasets set, by place, and how one that is damaged says so."""

from typing import Any, Protocol, runtime_checkable

from simam_jax.data.decode import BadImageError


@runtime_checkable
class StoredRecords(Protocol):
    """Records by place, read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> dict[str, Any]: ...


def read_record(records: StoredRecords, place: int) -> dict[str, Any]:
    """The fields of one record.

    Raises:
      BadImageError: it is damaged, or its file has gone.
    """
    try:
        return records[place]
    except RuntimeError as error:  # ArrayRecord's for every damage, and for a file that has gone
        raise BadImageError(" ".join(str(error).split())) from error
