"""Finds the images of a folder tree that has one folder a class."""

import functools
from collections.abc import Iterator
from pathlib import Path

from simam_jax.data.original import Original
from simam_jax.data.progress import Progress
from simam_jax.errors import UsageError

_TRAIN = "train"
_EVAL = ("eval", "val", "valid", "validation", "test")  # the first that is there is taken


def folder_originals(root: Path, progress: Progress, *, called: str) -> Iterator[Original]:
    """Yields the images of a class-folder tree in sorted order; hidden files are passed over, bad ones not noticed.

    The classes may sit below one or more single folders (`Images/`). A tree that is already split, `train/` beside one
    of `eval/`, `val/`, `valid/`, `validation/` and `test/`, keeps its split.

    Args:
      root: the tree.
      progress: is told which folders became which split.
      called: the tree's name in messages, which need not be where it lies.

    Raises:
      UsageError: no class folders, an empty one, or a given split whose parts have not the same classes.
    """
    root = _descend(root)
    parts = _given_split(root)
    if not parts:
        yield from _class_originals(root, None, called)
        return
    train, held_out = ({path.name for path in _folders(folder)} for folder in parts.values())
    if train != held_out:
        odd = ", ".join(sorted(train ^ held_out))
        raise UsageError(f"{called} is already split, but its parts differ in the classes {odd}: make them the same")
    said = ", ".join(f"{folder.name}/ → {split}" for split, folder in parts.items())
    unused = [f"; {path.name}/ is left out" for path in _folders(root) if path not in parts.values()]
    progress.say(f"{called} is already split and keeps its split: {said}{''.join(unused)}")
    for split, folder in parts.items():
        yield from _class_originals(folder, split, called)


def _descend(root: Path) -> Path:
    """Follows single folders down to the one whose folders hold files."""
    folders = _folders(root)
    if len(folders) == 1 and not _files(folders[0]) and _folders(folders[0]):
        return _descend(folders[0])
    return root


def _given_split(root: Path) -> dict[str, Path]:
    by_name = {folder.name.lower(): folder for folder in _folders(root)}
    held_out = next((by_name[name] for name in _EVAL if name in by_name), None)
    if _TRAIN not in by_name or held_out is None or _files(by_name[_TRAIN]) or _files(held_out):
        return {}
    return {"train": by_name[_TRAIN], "eval": held_out}


def _class_originals(root: Path, split: str | None, called: str) -> Iterator[Original]:
    folders = _folders(root)
    if not folders:
        raise UsageError(f"no classes in {called}: it should hold one folder of images a class")
    for folder in folders:
        files = _files(folder)
        if not folder.name.isprintable():  # undecodable bytes among them
            raise UsageError(f"class {folder.name!r} of {called} has a name that cannot be printed: rename its folder")
        if not files:
            inside = "only folders" if _folders(folder) else "no files"
            raise UsageError(f"class {folder.name} of {called} is empty: its folder holds {inside}")
        for path in files:
            yield Original(folder.name, path.name, functools.partial(_read, folder, path.name), split)


def _read(folder: Path, name: str) -> bytes:
    """An image's bytes; there may be millions of images, and a path takes more memory than a name."""
    return (folder / name).read_bytes()


def _folders(root: Path) -> list[Path]:
    return [path for path in _visible(root) if path.is_dir()]


def _files(root: Path) -> list[Path]:
    """Files, and links to what is missing: those are bad images, to be listed, not passed over."""
    return [path for path in _visible(root) if path.is_file() or (path.is_symlink() and not path.exists())]


def _visible(root: Path) -> list[Path]:
    try:
        return sorted((path for path in root.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)
    except OSError as error:
        raise UsageError(f"{root} cannot be listed: {error.strerror}") from error
