"""From the words of a command line to the images that are meant."""

import glob
import logging
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simam_jax.data.decode import BadImageError, decode
from simam_jax.errors import UsageError

_log = logging.getLogger(__name__)

STDIN = "-"

# By which a folder's images are told from its other files.
SUFFIXES = frozenset(
    [
        ".avif",
        ".bmp",
        ".dib",
        ".gif",
        ".ico",
        ".j2k",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    ]
)


@dataclass(frozen=True)
class Input:
    """One image to come, or what was found to be none.

    Attributes:
        path: its name in results.
        data: the file's bytes where they have been read already.
        problem: why there is nothing to read; "" where there is.
    """

    path: str
    data: bytes | None = None
    problem: str = ""

    def read(self) -> bytes:
        """The bytes of the image file; raises OSError."""
        return Path(self.path).read_bytes() if self.data is None else self.data

    def decode(self) -> np.ndarray:
        """The image's pixels, uint8 (H, W, 3); raises BadImageError, whatever the reason."""
        if self.problem:
            raise BadImageError(self.problem)
        try:
            return decode(self.read())
        except OSError as error:
            raise BadImageError(_reason(error)) from error


def find_inputs(words: Sequence[str], read_stdin: Callable[[], bytes]) -> list[Input]:
    """The images that words mean, in order; nothing is read yet but standard input.

    A word is a file, a folder, a pattern such as "photos/**/*.jpg", or "-". A file is taken whatever its name. Of a
    folder, and of those inside it, the files are taken that are not hidden and are named like images; links to folders
    are not followed. "-" is the bytes of an image, or else a list of files, folders and patterns, one a line.

    Args:
        words: as above.
        read_stdin: gives all bytes of standard input; called where "-" is first met.

    Raises:
        UsageError: no word means any image.
    """
    inputs = [each for word in words for each in _of_word(word, read_stdin)]
    if all(each.problem for each in inputs):
        said = "; ".join(f"{each.path}: {each.problem}" for each in inputs[:3])
        more = f" and {len(inputs) - 3} more" if len(inputs) > 3 else ""
        raise UsageError(f"there is no image: {said or 'no input'}{more}")
    return inputs


def _of_word(word: str, read_stdin: Callable[[], bytes]) -> Iterator[Input]:
    if word == STDIN:
        yield from _of_stdin(read_stdin())
    elif os.path.lexists(word) or not glob.has_magic(word):
        yield from _of_path(word)
    else:
        matches = sorted(glob.glob(word, recursive=True))
        if not matches:
            yield Input(word, problem="no file matches")
        for path in matches:
            yield from _of_path(path)


def _of_stdin(data: bytes) -> Iterator[Input]:
    if not data.strip():
        yield Input(STDIN, problem="standard input is empty")
    elif _is_list(data):
        for line in os.fsdecode(data).split("\n"):
            path = line.removesuffix("\r")
            # A "-" in the list would be the list itself.
            if path.strip() and path != STDIN:
                yield from _of_word(path, lambda: b"")
    else:
        yield Input(STDIN, data=data)


def _is_list(data: bytes) -> bool:
    """Whether bytes are lines of text and no image; some image formats are text too."""
    if b"\0" in data:
        return False
    try:
        decode(data)
    except BadImageError:
        return True
    return False


def _of_path(path: str) -> Iterator[Input]:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        yield Input(path, problem=_reason(error))
        return
    if stat.S_ISDIR(mode):
        yield from _of_folder(path)
    elif stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
        yield Input(path)
    else:
        yield Input(path, problem="neither a file nor a folder")


def _of_folder(folder: str) -> Iterator[Input]:
    problems: list[Input] = []
    found = passed_over = 0

    def note(error: OSError) -> None:
        problems.append(Input(error.filename, problem=_reason(error)))

    for root, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in SUFFIXES:
                found += 1
                yield from _of_path(os.path.join(root, name))
            else:
                passed_over += 1
    yield from problems
    if passed_over:
        _log.info("%s: files passed over, since they are not named like images: %d", folder, passed_over)
    if not found and not problems:
        yield Input(folder, problem="no image in this folder")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
