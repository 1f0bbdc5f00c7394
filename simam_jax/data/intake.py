"""Takes one image into a prepared folder: read, decoded once as a check, copied byte for byte."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from simam_jax.data.decode import BadImageError, decode
from simam_jax.data.pixel_statistics import channel_histogram
from simam_jax.data.split import Placement


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
      placement: what was to be done.
      reason: why the image was left out, empty if it was not.
      digest: sha256 of its bytes, hexadecimal.
      histogram: its pixels' (3, 256) histogram, None if it was left out.
    """

    placement: Placement
    reason: str = ""
    digest: str = ""
    histogram: np.ndarray | None = None


def take_in(placement: Placement, directory: Path) -> Outcome:
    """Copies an image to its place below `directory`, whose folders exist, unless it is bad.

    Raises:
      OSError: the copy cannot be written.
    """
    try:
        data = placement.original.read()
        pixels = decode(data)
    except BadImageError as error:
        return Outcome(placement, reason=str(error))
    except OSError as error:
        return Outcome(placement, reason=f"cannot be read: {error.strerror or error}")
    (directory / placement.split / placement.original.class_name / placement.name).write_bytes(data)
    return Outcome(placement, digest=hashlib.sha256(data).hexdigest(), histogram=channel_histogram(pixels))
