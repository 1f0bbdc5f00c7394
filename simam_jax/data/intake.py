"""Looks at one image of a source: read, decoded once as a check; and copies it byte for byte."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from simam_jax.data.decode import BadImageError, decode
from simam_jax.data.pixel_statistics import channel_histogram
from simam_jax.data.split import Placement


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image.

    Attributes:
      placement: what was to be done.
      reason: why the image was left out, empty if it was not.
      digest: sha256 of its bytes, hexadecimal; empty if it was left out.
    """

    placement: Placement
    reason: str = ""
    digest: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Examined:
    """An image that was read and decoded.

    Attributes:
      outcome: whether it is good.
      data: the file's bytes, empty if it was left out.
      histogram: its pixels' histogram, int64 (3, 256), 0 if it was left out.
    """

    outcome: Outcome
    data: bytes = b""
    histogram: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((3, 256), np.int64))


def examine(placement: Placement) -> Examined:
    """Reads an image and decodes it."""
    try:
        data = placement.original.read()
        pixels = decode(data)
    except BadImageError as error:
        return Examined(Outcome(placement, reason=str(error)))
    except OSError as error:
        return Examined(Outcome(placement, reason=f"cannot be read: {error.strerror or error}"))
    digest = hashlib.sha256(data).hexdigest()
    return Examined(Outcome(placement, digest=digest), data, channel_histogram(pixels))


def take_in(placement: Placement, directory: Path) -> Examined:
    """Copies an image to its place below `directory`, whose folders exist, unless it is bad; lets its bytes go.

    Raises:
      OSError: the copy cannot be written.
    """
    examined = examine(placement)
    if not examined.outcome.reason:
        (directory / placement.path).write_bytes(examined.data)
    return dataclasses.replace(examined, data=b"")
