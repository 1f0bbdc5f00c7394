"""A run's folder: what was asked for (config.json) and what it was done with (run.json)."""

import errno
import importlib.metadata
import json
import os
import platform
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import jax
from ml_collections import ConfigDict

from simam_jax.data.dataset import Dataset
from simam_jax.data.lock import lock
from simam_jax.errors import UsageError
from simam_jax.training.config import flatten
from simam_jax.training.storing import storing
from simam_jax.whole_file import whole_file

# What may differ when a run goes on: where the data lies and how it is read, not what is computed; but for images that
# can no longer be read, without which it may go on.
FREE_FIELDS = ("data.dir", "data.workers", "data.cache_gb", "data.on_bad_record", "log_every", "mesh.shard_state")
# Fields that older runs lack, with what those runs did; but for the implementation, which was stock XLA's: they go on
# with the default, to rounding.
_LATER = {
    "": {"implementation": "auto", "micro_batches": 1, "rematerialise": False},
    "data": {"resize_to": 0, "random_resized_crop": 0.0},
    "schedule": {"milestones": (), "decay": 0.1},
    "mesh": {"shard_state": False},
}
# What a process that ended while it claimed a folder leaves there: config.json comes last.
_UNFINISHED = (".lock", ".run.json.partial", "run.json", ".config.json.partial")
_PACKAGES = ("simam-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "clu", "numpy")
# Of a place where no folder can be made, where another --workdir helps.
_NO_PLACE = {
    getattr(errno, name) for name in ("EACCES", "EPERM", "ENOENT", "ENOTDIR", "EEXIST", "ENAMETOOLONG", "ELOOP")
}


def later_fields() -> dict[str, Any]:
    """By full name, such as "data.resize_to", the fields that older configs lack, with what they did."""
    return {
        f"{section}.{name}" if section else name: value
        for section, later in _LATER.items()
        for name, value in later.items()
    }


class RunFolder:
    """The files of one run.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path):
        """Names the folder; touches nothing."""
        self.path = path
        self._lock_file: IO[str] | None = None

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    def is_run(self) -> bool:
        """Whether it holds a run."""
        return (self.path / "config.json").exists() and (self.path / "run.json").exists()

    def config(self) -> ConfigDict:
        """The run's config, locked; fields that are younger than the run are there too and say what it did.

        Raises:
            UsageError: this is no run.
        """
        fields = _with_tuples(self._read("config.json"))
        for section, later in _LATER.items():
            if section:
                fields[section] = later | fields.get(section, {})
            else:
                fields = later | fields
        return ConfigDict(fields).lock()

    def facts(self) -> dict:
        """What run.json says: versions, devices, classes, data fingerprint, normalisation.

        Raises:
            UsageError: this is no run, or the file is damaged.
        """
        facts = self._read("run.json")
        if missing := [name for name in ("classes", "fingerprint", "mean", "std") if name not in facts]:
            raise UsageError(f"{self.path / 'run.json'} is damaged: it has no {', '.join(missing)}")
        return facts

    def check_place(self) -> None:
        """Makes sure that the folder can be made, and leaves nothing: better known before a network is compiled.

        Raises:
            UsageError: it cannot be made here.
            OSError: nothing can be written here, as on a read-only file system.
        """
        with self._naming_the_place():
            with suppress(FileNotFoundError):
                if not stat.S_ISDIR(self.path.stat().st_mode):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            nearest = next(path for path in (self.path, *self.path.absolute().parents) if path.is_dir())
            with tempfile.TemporaryDirectory(dir=nearest, prefix="."):
                pass

    def claim(self, config: ConfigDict, dataset: Dataset, extra: Mapping[str, object]) -> None:
        """Makes the folder a run of this config and data, or checks that it is one already.

        Args:
            config: the whole config.
            dataset: what it is trained on.
            extra: more facts for run.json.

        Raises:
            UsageError: the folder cannot be made, or holds something else, a run of another config or data, or a run
                that another process is working on.
        """
        wanted = json.loads(config.to_json())
        with self._naming_the_place():
            if (self.path / "config.json").exists():
                self._check_same(config, dataset)
            elif self.path.is_dir() and any(path.name not in _UNFINISHED for path in self.path.iterdir()):
                raise UsageError(f"{self.path} is no run and not empty: choose another --workdir")
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock()
        self._write("run.json", {**_facts(dataset), **extra})
        self._write("config.json", wanted)

    @contextmanager
    def _naming_the_place(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _NO_PLACE:
                raise
            raise UsageError(
                f"cannot make the run's folder {self.path}: {error.strerror}; choose another --workdir"
            ) from error

    def _check_same(self, config: ConfigDict, dataset: Dataset) -> None:
        theirs, ours = flatten(self.config()), flatten(config)
        differing = [
            f"{name} ({theirs.get(name)!r} there, {ours.get(name)!r} here)"
            for name in sorted({*theirs, *ours})
            if theirs.get(name) != ours.get(name) and name not in FREE_FIELDS
        ]
        if differing:
            raise UsageError(f"{self.path} is a run of another config, which differs in {'; '.join(differing)}")
        if self.facts()["fingerprint"] != dataset.fingerprint:
            raise UsageError(f"{self.path} is a run on other data: the fingerprints differ")

    def release(self) -> None:
        """Lets others work on the run."""
        if self._lock_file is not None:
            self._lock_file.close()

    def _lock(self) -> None:
        """Holds the folder for this process; the system lets go when the process ends, however it ends."""
        self._lock_file = (self.path / ".lock").open("w")
        try:
            lock(self._lock_file, self.path)
        except BlockingIOError:
            self.release()
            raise UsageError(f"another process is training in {self.path}") from None

    def _read(self, name: str) -> dict:
        try:
            found = json.loads((self.path / name).read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(f"{self.path} is no run: it has no {name}") from None
        except ValueError as error:
            raise UsageError(f"{self.path / name} is damaged: {error}") from None
        if not isinstance(found, dict):
            raise UsageError(f"{self.path / name} is damaged: it is no JSON object")
        return found

    def _write(self, name: str, content: Mapping[str, object]) -> None:
        path = self.path / name
        with storing(str(path)), whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2) + "\n")


def _with_tuples(value: Any) -> Any:
    """JSON has lists where a config has tuples."""
    if isinstance(value, dict):
        return {name: _with_tuples(inner) for name, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _facts(dataset: Dataset) -> dict[str, object]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    device = jax.devices()[0]
    return {
        "versions": versions,
        "devices": {
            "count": jax.device_count(),
            "kind": device.device_kind,
            "platform": device.platform,
            "processes": jax.process_count(),
            "cpu_cores": os.cpu_count(),
        },
        "classes": list(dataset.classes),
        "fingerprint": dataset.fingerprint,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
    }
