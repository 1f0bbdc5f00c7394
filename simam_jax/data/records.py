"""A split's images as training and evaluation see them, by place."""

import copy
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypedDict, runtime_checkable

import numpy as np

from simam_jax.data.decode import BadImageError
from simam_jax.data.view import View
from simam_jax.errors import UsageError

_log = logging.getLogger(__name__)


@runtime_checkable
class Examples(Protocol):
    """One split of a dataset as it is stored.

    Attributes:
        names: the examples' names, such as "CLASS/FILE"; reported in predictions and errors.
        labels: int32 (N,).
    """

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def labels(self) -> np.ndarray: ...

    def __len__(self) -> int: ...

    def read(self, place: int) -> tuple[np.ndarray, int]:
        """The decoded image, uint8 (H, W, 3), and its label; raises BadImageError or OSError."""
        ...


class Record(TypedDict):
    """What a batch is made of: uint8 (S, S, 3), int32, and whether it counts (1.0) or not (0.0), float32."""

    image: np.ndarray
    label: np.int32
    mask: np.float32


class Records:
    """Records of one split with random access, as a view shows them.

    A record that is not an image any more is an error or, with `skip`, a black image whose mask is 0: it enters
    neither loss nor metrics.

    Attributes:
        cached: whether images are decoded once and kept, as the view shows them.
    """

    def __init__(self, examples: Examples, view: View, *, cache_gb: float, on_bad_record: str):
        """Reads nothing yet.

        Args:
            examples: the split.
            view: from decoded pixels to a record's.
            cache_gb: most memory that the split may take as the view shows it, in 10⁹ bytes; a larger split is not
                cached, nor one whose images look different every time.
            on_bad_record: "fail" or "skip".

        Raises:
            ValueError: another word for on_bad_record.
        """
        check_bad_record(on_bad_record)
        self._examples = examples
        self._view = view
        self._on_bad_record = on_bad_record
        self._change: Callable[[np.ndarray, int], np.ndarray] | None = None
        shape = (len(examples), view.image_size, view.image_size, 3)
        self.cached = view.fixed and 0 < np.prod(shape, dtype=np.int64) <= cache_gb * 1e9
        self._cache = np.zeros(shape, np.uint8) if self.cached else None
        self._labels = np.zeros(len(self), np.int32)
        self._known = np.zeros(len(self), bool)

    def __len__(self) -> int:
        return len(self._examples)

    def changed_by(self, change: Callable[[np.ndarray, int], np.ndarray]) -> "Records":
        """The same records, but for what `change` makes of the pixels that are seen at a place; the cache is shared."""
        other = copy.copy(self)
        other._change = change
        return other

    def read(self, place: int, index: int) -> Record:
        """The record at `place` of the split as it is seen at place `index` of the stream.

        Two threads that ask for the same one at once do the work twice, to the same end.
        """
        record = self._read(place, index)
        if self._change is not None and record["mask"]:
            record["image"] = self._change(record["image"], place)
        return record

    def _read(self, place: int, index: int) -> Record:
        if self._cache is not None and self._known[place]:
            return Record(image=self._cache[place], label=self._labels[place], mask=np.float32(1))
        try:
            image, label = self._examples.read(place)
            image = self._view(image, index)
        except (BadImageError, OSError) as error:
            name = self._examples.names[place]
            if self._on_bad_record == "fail":
                raise UsageError(
                    f"cannot read the image {name}: {error}; put it back as it was, or go on without it by "
                    f"--config.data.on_bad_record=skip"
                ) from error
            _log.warning("left out: %s: %s", name, error)
            return self.blank()
        if self._cache is not None:
            self._cache[place], self._labels[place] = image, label
            self._known[place] = True
        return Record(image=image, label=np.int32(label), mask=np.float32(1))

    def blank(self) -> Record:
        """A black image that does not count."""
        size = self._view.image_size
        return Record(image=np.zeros((size, size, 3), np.uint8), label=np.int32(0), mask=np.float32(0))


def check_bad_record(on_bad_record: str) -> None:
    """Raises ValueError for a word that says nothing of bad records."""
    if on_bad_record not in ("fail", "skip"):
        raise ValueError(f"on_bad_record is fail or skip, got {on_bad_record!r}")
