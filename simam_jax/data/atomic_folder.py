"""A folder that appears all at once, finished, or not at all."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from simam_jax.data.lock import lock


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Gives a hidden folder beside `target` to fill, and renames it to `target` where the block ends well.

    Where the block raises, the folder is removed. A process that is killed leaves its hidden folder, unlocked; the next
    call for the same target removes it.

    Raises:
      FileExistsError: `target` has become a folder that is not empty in the meantime.
      OSError: the folder cannot be made, or the rename fails.
    """
    make_parent(target)
    _remove_stale(target)
    partial = target.parent / f"{_prefix(target)}{secrets.token_hex(4)}"
    partial.mkdir()
    with locked(partial):
        try:
            yield partial
            rename(partial, target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def make_parent(target: Path) -> None:
    """Makes the folder that `target` is to lie in.

    Raises:
      OSError: it cannot be made, or is a file.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target.parent)) from error


def _prefix(target: Path) -> str:
    return f".{target.name}.partial-"


def _remove_stale(target: Path) -> None:
    for path in target.parent.iterdir():
        if path.name.startswith(_prefix(target)):
            with contextlib.suppress(OSError), locked(path) as is_stale:  # OSError: it is being filled by somebody else
                if is_stale:
                    shutil.rmtree(path)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Holds a lock that ends with the process, however it ends.

    Gives whether it does: where the file system has no locks nobody can tell what is somebody else's.

    Raises:
      BlockingIOError: somebody else holds it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield lock(handle, folder)
    finally:
        os.close(handle)


def rename(partial: Path, target: Path) -> None:
    """Renames a folder to one that is not there, or is empty.

    Raises:
      FileExistsError: it is not empty.
      OSError: it cannot be renamed.
    """
    try:
        partial.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(errno.EEXIST, "made by somebody else in the meantime", str(target)) from error
        raise
