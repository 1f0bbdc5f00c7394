"""Whether a disk is full, asked of the disk."""

import os
import tempfile
from pathlib import Path


def has_room(folder: Path, size: int) -> bool:
    """Whether a file of so many bytes can be written into a folder; it is gone again when this is known."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
    except OSError:
        return False
    return True
