"""Prepared class folders as examples."""

from pathlib import Path

import numpy as np

from simam_jax.data.decode import decode
from simam_jax.data.manifest import Manifest
from simam_jax.errors import UsageError


class FolderExamples:
    """The files DIR/SPLIT/CLASS/FILE in order of class and then of name; a file's label is its class's index."""

    def __init__(self, directory: Path, split: str, manifest: Manifest):
        """Lists the files.

        Raises:
            UsageError: a class folder is missing, or holds another number of files than the manifest says.
        """
        self._directory = directory / split
        self.names: list[str] = []
        labels: list[int] = []
        for label, class_name in enumerate(manifest.classes):
            folder = self._directory / class_name
            files = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
            expected = manifest.counts[split][class_name]
            if len(files) != expected:
                raise UsageError(
                    f"{folder} has {len(files)} images where {directory / 'manifest.json'} says {expected}: "
                    f"the folder has changed since it was prepared; prepare it again into a new folder"
                )
            self.names += [f"{class_name}/{name}" for name in files]
            labels += [label] * len(files)
        self.labels = np.array(labels, np.int32)

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        """The decoded image, uint8 (H, W, 3), and its label."""
        # Trusted: `prepare` decoded every file.
        return decode((self._directory / self.names[place]).read_bytes(), trusted=True), int(self.labels[place])
