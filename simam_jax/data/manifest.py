"""What a prepared folder says about itself: `manifest.json`."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError

FILE_NAME = "manifest.json"
FORMATS = ("files", "array_record")


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A prepared data set in numbers; the fields are those of `manifest.json`.

    Attributes:
      source: where the images came from: an absolute path, or a name such as `digits`.
      classes: class names in label order, which is the order of their code points.
      counts: split → class → number of images; the splits are `train` and `eval`.
      excluded: files left out, each `{"path", "reason"}`, the path being CLASS/FILE as in the source.
      fingerprint: see `fingerprint`.
      mean: mean of the training pixels in 0…1, RGB, at native size.
      std: their standard deviation, likewise.
      options: `classes`, `eval_every` and `format` as they were asked for, by which a second run knows that nothing is
        to do.
    """

    source: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    excluded: tuple[Mapping[str, str], ...]
    fingerprint: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def format(self) -> str:
        """How the images are stored, one of `FORMATS`."""
        return self.options.get("format", FORMATS[0])  # older folders do not say


def fingerprint(entries: Iterable[tuple[str, str, str, str]]) -> str:
    """Identifies a prepared data set by its names and contents, whatever machine or order made it.

    Args:
      entries: (split, class, file name, sha256 of the file's bytes as 64 hexadecimal digits), one a file.

    Returns:
      64 hexadecimal digits: the sha256 of one line a file, `SPLIT/CLASS/NAME`, a zero byte, the file's digest and a
      newline, the lines in the order of their bytes. Names are encoded as UTF-8, undecodable bytes as they were.
    """
    lines = (
        os.fsencode(f"{split}/{class_name}/{name}") + b"\0" + digest.encode() + b"\n"
        for split, class_name, name, digest in entries
    )
    return hashlib.sha256(b"".join(sorted(lines))).hexdigest()


def read_manifest(directory: str | os.PathLike[str]) -> Manifest:
    """Reads the manifest of a prepared folder.

    Raises:
      UsageError: the folder is missing or was not made by `prepare`, or its manifest is damaged.
    """
    path = Path(directory) / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"no prepared data in {directory}: "
            f"make it with `python -m simam_jax.prepare --source SOURCE --out {directory}`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    try:
        return _from_json(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the field {error} is missing" if isinstance(error, KeyError) else error
        raise UsageError(f"{path} is damaged ({what}): remove {directory} and prepare it again") from error


def write_manifest(directory: str | os.PathLike[str], manifest: Manifest) -> None:
    """Writes `manifest.json` into an existing folder."""
    text = json.dumps(dataclasses.asdict(manifest), indent=2)
    (Path(directory) / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def _from_json(fields: Any) -> Manifest:
    classes = tuple(str(name) for name in fields["classes"])
    if list(classes) != sorted(set(classes)) or not classes:
        raise ValueError("classes are not sorted and distinct")
    counts = {split: {name: int(fields["counts"][split][name]) for name in classes} for split in ("train", "eval")}
    if fields.get("options", {}).get("format", FORMATS[0]) not in FORMATS:
        raise ValueError(f"format is {fields['options']['format']!r}, which this version does not know")
    return Manifest(
        source=str(fields["source"]),
        classes=classes,
        counts=counts,
        excluded=tuple({"path": str(e["path"]), "reason": str(e["reason"])} for e in fields["excluded"]),
        fingerprint=str(fields["fingerprint"]),
        mean=_three(fields["mean"]),
        std=_three(fields["std"]),
        options=dict(fields.get("options", {})),
    )


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
