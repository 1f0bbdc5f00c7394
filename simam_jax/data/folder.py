"""Prepared class folders as examples."""

from pathlib import Path

import numpy as np

from simam_jax.data.decode import decode
from simam_jax.data.manifest import Manifest
from simam_jax.data.names import FILE_NAME, read_names
from simam_jax.errors import UsageError


class FolderExamples:
    """The files DIR/SPLIT/CLASS/FILE in order of class and then of name; a file's label is its class's index.

    Which files they are was written down when the folder was made: one that is missing now is an image that cannot be
    read, and moves no other; one that was added is none of them.
    """

    def __init__(self, directory: Path, split: str, manifest: Manifest):
        """Reads the files' names.

        Raises:
            UsageError: the names do not agree with the manifest; of a folder that was prepared before they were written
                down: a class folder is missing, or holds another number of files than the manifest says.
        """
        self._directory = directory / split
        known = (directory / FILE_NAME).exists()
        self.names = read_names(directory, split, manifest) if known else _listed(directory, split, manifest)
        counts = [manifest.counts[split][class_name] for class_name in manifest.classes]
        self.labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        """The decoded image, uint8 (H, W, 3), and its label."""
        # Trusted: `prepare` decoded every file.
        return decode((self._directory / self.names[place]).read_bytes(), trusted=True), int(self.labels[place])


def _listed(directory: Path, split: str, manifest: Manifest) -> list[str]:
    names = []
    for class_name in manifest.classes:
        folder = directory / split / class_name
        files = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        expected = manifest.counts[split][class_name]
        if len(files) != expected:
            raise UsageError(
                f"{folder} has {len(files)} images where {directory / 'manifest.json'} says {expected}: "
                f"the folder has changed since it was prepared; prepare it again into a new folder"
            )
        names += [f"{class_name}/{name}" for name in files]
    return names
