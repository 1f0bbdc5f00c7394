"""CIFAR-10 and CIFAR-100 in their binary version: files of records, each label bytes and the planes of an image.

Source: https://www.cs.toronto.edu/~kriz/cifar.html
"""

import dataclasses
import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from simam_jax.data.encode import encode_png
from simam_jax.data.original import Original
from simam_jax.data.progress import Progress
from simam_jax.errors import UsageError

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
# So many of a set's files tell it; one more that is missing is then an error.
_ENOUGH = 2


@dataclasses.dataclass(frozen=True)
class _Layout:
    """The files of one of the sets.

    Attributes:
      name: what the set is called.
      train, held_out: files of records, in order.
      classes: the file that names the classes, one a line, in label order.
      label: the place of the label byte, the last before the pixels; what stands before it is not looked at.
    """

    name: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    classes: str
    label: int

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.train, *self.held_out, self.classes)


_LAYOUTS = (
    _Layout(
        "CIFAR-10",
        train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
        held_out=("test_batch.bin",),
        classes="batches.meta.txt",
        label=0,
    ),
    # Byte 0 is the coarse label.
    _Layout("CIFAR-100", train=("train.bin",), held_out=("test.bin",), classes="fine_label_names.txt", label=1),
)


@dataclasses.dataclass(frozen=True)
class CifarFolder:
    """A folder that holds one of the sets, perhaps not all of it."""

    path: Path
    layout: _Layout


def find_cifar(root: Path) -> CifarFolder | None:
    """The set in a folder, or below one or more single folders in it; told by the files that are there."""
    for path, folders, files in os.walk(root):
        for layout in _LAYOUTS:
            if len(set(layout.files).intersection(files)) >= _ENOUGH:
                return CifarFolder(Path(path), layout)
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        if len(folders) != 1:
            break
    return None


def cifar_originals(folder: CifarFolder, progress: Progress, *, called: str) -> Iterator[Original]:
    """Yields the images as PNG files `00000.png`, `00001.png`, … by their place in the split, which is the set's own.

    Args:
      folder: from `find_cifar`; it must stay while images are read.
      progress: is told which set it is.
      called: the source's name in messages.

    Raises:
      UsageError: a file is missing or cut short, names no classes fit for folders, or has a label without a name.
    """
    layout = folder.layout
    missing = [name for name in layout.files if not (folder.path / name).is_file()]
    if missing:
        raise UsageError(f"{called} looks like {layout.name} in its binary version, but lacks {', '.join(missing)}")
    classes = _class_names(folder.path / layout.classes, called)
    progress.say(f"{called} is {layout.name} in its binary version and keeps its split")
    for split, files in (("train", layout.train), ("eval", layout.held_out)):
        place = itertools.count()
        for name in files:
            records = _records(folder.path / name, layout, len(classes), called)
            for record in records:
                read = functools.partial(_png, record[layout.label + 1 :])
                yield Original(classes[record[layout.label]], f"{next(place):05d}.png", read, split)


def _class_names(path: Path, called: str) -> list[str]:
    names = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    odd = [name for name in names if "/" in name or name.startswith(".") or not name.isprintable()]
    if odd or not names or len(set(names)) < len(names):
        said = f"has {odd[0]!r}" if odd else "repeats one" if names else "is empty"
        raise UsageError(f"{path.name} of {called} should name a class a line, fit for a folder, but {said}")
    return names


def _records(path: Path, layout: _Layout, classes: int, called: str) -> np.ndarray:
    """The records of a file, uint8 (N, label bytes + 3072), read from the disk as they are needed."""
    size, length = path.stat().st_size, layout.label + 1 + _PIXELS
    if not size or size % length:
        raise UsageError(
            f"{path.name} of {called} has {size:,} bytes, which is no multiple of a record's {length:,}: "
            f"it is cut short, or not {layout.name}'s"
        )
    records = np.asarray(np.memmap(path, np.uint8, "r")).reshape(-1, length)
    strange = np.flatnonzero(records[:, layout.label] >= classes)
    if len(strange):
        raise UsageError(
            f"record {strange[0]} of {path.name} of {called} has the label {records[strange[0], layout.label]}, "
            f"but {layout.classes} names {classes} classes"
        )
    return records


def _png(planes: np.ndarray) -> bytes:
    return encode_png(planes.reshape(3, _SIDE, _SIDE).transpose(1, 2, 0))
