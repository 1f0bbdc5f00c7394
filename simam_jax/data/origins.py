"""From the name of a source to its images, whichever kind of source it is."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from simam_jax.data import caltech101
from simam_jax.data.archive import Limits, extract
from simam_jax.data.cifar import cifar_originals, find_cifar
from simam_jax.data.class_folders import folder_originals
from simam_jax.data.digits import digit_originals
from simam_jax.data.download import cache_folder, download
from simam_jax.data.original import Original
from simam_jax.data.progress import Progress
from simam_jax.data.selection import SUBSETS
from simam_jax.errors import UsageError

NAMES = ("caltech101", *SUBSETS, "digits", "tfds:NAME")


@dataclasses.dataclass(frozen=True)
class Source:
    """A source by its kind.

    Attributes:
      name: how the manifest names it: a path made absolute, or the name as given.
      path: the folder or archive, None for a named source.
      classes: the subset that its name implies, empty for all.
    """

    name: str
    path: Path | None = None
    classes: tuple[str, ...] = ()


def find_source(source: str) -> Source:
    """Says what a `--source` means. A known name is never taken for a path; write `./digits` for a folder of that name.

    Raises:
      UsageError: neither a known name nor something that exists.
    """
    if source in ("caltech101", "digits") or source.startswith("tfds:"):
        return Source(source)
    if source in SUBSETS:
        return Source(source, classes=SUBSETS[source])
    path = Path(source).expanduser()
    if not source or not path.exists():
        raise UsageError(f"no source {source!r}: give a folder, an archive, or one of {', '.join(NAMES)}")
    return Source(str(path.resolve()), path=path.resolve())


def open_source(source: Source, *, workspace: Path, limits: Limits, progress: Progress) -> Iterable[Original]:
    """Lists a source's images, after downloading and unpacking what needs it.

    Args:
      source: from `find_source`.
      workspace: a folder that does not exist; archives are unpacked there and must stay while images are read.
      limits: the most that an archive may unpack to.
      progress: is told how far a download is.

    Raises:
      UsageError: no network, a hostile or damaged archive, no class folders, CIFAR files that are damaged or not all
        there, an unknown TFDS data set.
    """
    if source.path is not None and source.path.is_dir():
        return _folder_originals(source.path, progress, called=source.name)
    if source.path is not None:
        return _archive_originals(source.path, workspace, limits, progress)
    if source.name == "digits":
        return digit_originals()
    if source.name.startswith("tfds:"):
        from simam_jax.data.tfds_export import tfds_originals

        return tfds_originals(source.name.removeprefix("tfds:"), progress)
    archive = cache_folder() / caltech101.ARCHIVE
    download(caltech101.URL, archive, size=caltech101.SIZE, sha256=caltech101.SHA256, progress=progress)
    return _archive_originals(archive, workspace, limits, progress)


def _folder_originals(root: Path, progress: Progress, *, called: str) -> Iterable[Original]:
    cifar = find_cifar(root)
    if cifar is None:
        return folder_originals(root, progress, called=called)
    return cifar_originals(cifar, progress, called=called)


def _archive_originals(path: Path, workspace: Path, limits: Limits, progress: Progress) -> Iterable[Original]:
    progress.say(f"unpacking {path}")
    extract(path, workspace, limits)
    nested = workspace / caltech101.INNER
    if not nested.is_file():
        return _folder_originals(workspace, progress, called=str(path))
    images = workspace / "images"
    extract(nested, images, limits)
    originals = folder_originals(images, progress, called=str(path))
    return (original for original in originals if original.class_name not in caltech101.LEFT_OUT)
