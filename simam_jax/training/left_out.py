"""Images that cannot be read and are left out: how many of them a run goes on without."""

from collections.abc import Iterable, Mapping
from typing import Any

from simam_jax.errors import StorageError

MOST = 0.1
"""Of an epoch's images."""


def check_left_out(lines: Iterable[Mapping[str, Any]], *, epoch: int, images: int) -> None:
    """Ends a run that trains on too little of its data, as where a disk is no longer there.

    It is an epoch's images that are counted, so a bad one weighs the same however often lines are written.

    Args:
        lines: the run's metrics.
        epoch: the one that is trained in.
        images: how many it has.

    Raises:
        StorageError: more than a tenth of them were left out in it so far.
    """
    left_out = round(sum(line.get("train/left_out", 0) for line in lines if line["epoch"] == epoch))
    if left_out > MOST * images:
        raise StorageError(
            f"{left_out} of the {images} training images of epoch {epoch} could not be read, more than {MOST:.0%}: "
            f"see to their disk and run the same command again to go on from the last checkpoint"
        )
