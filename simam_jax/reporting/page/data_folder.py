"""Where the images are that a run was trained on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simam_jax.errors import UsageError
from simam_jax.reporting.json_file import read_object


@dataclass(frozen=True)
class DataFolder:
    """A prepared folder.

    Attributes:
        path: where it is.
        counts: split → class → images.
        in_files: whether every image is a file of its own.
    """

    path: Path
    counts: Mapping[str, Mapping[str, int]]
    in_files: bool

    @property
    def preview(self) -> Path:
        """The picture of some of its images."""
        return self.path / "preview.png"

    def image(self, name: str) -> Path | None:
        """The file of an evaluation image called CLASS/FILE; None where that would be outside the folder."""
        parts = PurePosixPath(name).parts
        if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
            return None
        return self.path.joinpath("eval", *parts)


def find_data(address: str, fingerprint: str, *, near: Iterable[Path]) -> DataFolder | None:
    """The prepared folder of an address that has the run's fingerprint; None where it is gone or is none.

    Args:
        address: as the config names it, such as "data/flowers", which was below the folder that training began in.
        fingerprint: of the run's data: another one is of other images.
        near: folders below which it may be, beside the current one.
    """
    if not address or address.startswith("tfds:"):
        return None
    for start in (Path(), *near):
        folder = start / address
        if (folder / "manifest.json").is_file():
            try:
                found = read_object(folder / "manifest.json")
            except UsageError:
                continue
            if found.get("fingerprint") == fingerprint:
                stored = (found.get("options") or {}).get("format", "files")
                return DataFolder(folder, found.get("counts") or {}, stored == "files")
    return None
