"""A split's decoded images, by place."""

import logging
from collections.abc import Sequence
from typing import Protocol, TypedDict, runtime_checkable

import numpy as np

from simam_jax.data.decode import BadImageError, resize
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
    """Decoded, resized records of one split with random access, cached in memory where they fit.

    A record that is not an image any more is an error or, with `skip`, a black image whose mask is 0: it enters
    neither loss nor metrics.
    """

    def __init__(self, examples: Examples, *, image_size: int, antialias: bool, cache_gb: float, on_bad_record: str):
        """Makes a view of `examples` at image_size × image_size.

        Args:
            examples: the split.
            image_size: side of the square that every image is resized to, in pixels.
            antialias: whether to average when shrinking; the seed does not.
            cache_gb: most memory that the decoded split may take, in 10⁹ bytes; a larger split is not cached.
            on_bad_record: "fail" or "skip".

        Raises:
            ValueError: an image_size below 1, or another word for on_bad_record.
        """
        if image_size < 1:
            raise ValueError(f"image_size must be at least 1 pixel, got {image_size}")
        if on_bad_record not in ("fail", "skip"):
            raise ValueError(f"on_bad_record is fail or skip, got {on_bad_record!r}")
        self._examples = examples
        self._image_size = image_size
        self._antialias = antialias
        self._on_bad_record = on_bad_record
        shape = (len(examples), image_size, image_size, 3)
        self.cached = 0 < np.prod(shape, dtype=np.int64) <= cache_gb * 1e9
        self._cache = np.zeros(shape, np.uint8) if self.cached else None
        self._labels = np.zeros(len(self), np.int32)
        self._known = np.zeros(len(self), bool)

    def __len__(self) -> int:
        return len(self._examples)

    def __repr__(self) -> str:
        return f"Records({len(self)} of {self._image_size}x{self._image_size})"

    def __getitem__(self, index: int) -> Record:
        """Record `index`; two threads that ask for the same one at once do the work twice, to the same end."""
        if self._cache is not None and self._known[index]:
            return Record(image=self._cache[index], label=self._labels[index], mask=np.float32(1))
        try:
            image, label = self._examples.read(index)
            image = resize(image, self._image_size, antialias=self._antialias)
        except (BadImageError, OSError) as error:
            name = self._examples.names[index]
            if self._on_bad_record == "fail":
                raise UsageError(
                    f"cannot read the image {name}: {error}; mend or remove it and prepare the data again, "
                    f"or go on without it by --config.data.on_bad_record=skip"
                ) from error
            _log.warning("left out: %s: %s", name, error)
            return self.blank()
        if self._cache is not None:
            self._cache[index], self._labels[index] = image, label
            self._known[index] = True
        return Record(image=image, label=np.int32(label), mask=np.float32(1))

    def blank(self) -> Record:
        """A black image that does not count."""
        image = np.zeros((self._image_size, self._image_size, 3), np.uint8)
        return Record(image=image, label=np.int32(0), mask=np.float32(0))
