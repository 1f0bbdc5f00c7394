"""A file that is whole or as it was, whenever the process or the machine stops."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a hidden file beside `path` to write, which takes its place where the block ends well.

    Raises:
        OSError: it cannot be written; there is nothing new then.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        # Else a power cut may leave the name without the content.
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
