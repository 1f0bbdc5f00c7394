"""A folder written anew, the old one staying until the new one is whole."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_REPLACED = ".replaced"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[None]:
    """Puts what is at `path` aside while the block writes it anew; if the block fails, it is put back.

    A process killed in between leaves the old folder aside: `undo_replacements` puts it back.
    """
    aside = path.with_name(path.name + _REPLACED)
    if path.exists():
        path.rename(aside)
    try:
        yield
    except BaseException:
        _put_back(aside)
        raise
    if aside.exists():
        shutil.rmtree(aside)


def undo_replacements(folder: Path) -> None:
    """Puts back in `folder` what killed replacements left aside, where the new one did not come to be."""
    for aside in folder.glob(f"*{_REPLACED}"):
        if aside.with_suffix("").exists():
            shutil.rmtree(aside)
        else:
            _put_back(aside)


def check_writable(folder: Path) -> None:
    """Makes the folder if need be, and a folder inside for a moment.

    Raises:
        OSError: that cannot be done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder):
        pass


def _put_back(aside: Path) -> None:
    if aside.exists():
        shutil.rmtree(aside.with_suffix(""), ignore_errors=True)
        aside.rename(aside.with_suffix(""))
