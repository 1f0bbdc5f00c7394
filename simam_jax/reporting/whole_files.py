"""Files that are whole or as they were, whenever the process or the machine stops."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from simam_jax.errors import StorageError


def write_whole(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Writes files into a folder, in place of earlier ones; none is touched before all of the new ones are on the disk.

    Args:
        folder: made where it is not there.
        contents: by file name, in the order in which they get their names: the one that says that the others are
            there comes last. Text is written as UTF-8, and what in a file's name is none as it was.

    Raises:
        StorageError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
            for name, content in contents.items():
                data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
                with Path(partial, name).open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            for name in contents:
                Path(partial, name).replace(folder / name)
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror or error}") from error
