"""Names for files and folders, made from names that need be none."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

# Leaves room for a number and a suffix.
_LONGEST = 120  # bytes
_STDIN = "-"


def image_stems(paths: Iterable[str]) -> list[str]:
    """A name for each image after its file without folders and suffix, in order; no two alike.

    "a/x.png" and "b/x.jpg" are "x" and "x_2"; "-", standard input, is "stdin".
    """
    return _apart("stdin" if path == _STDIN else PurePath(path).stem for path in paths)


def layer_stems(layers: Iterable[str]) -> list[str]:
    """A name for each layer, "layer1_0/attention" being "layer1_0.attention"; no two alike."""
    return _apart(layer.replace("/", ".") for layer in layers)


def _apart(names: Iterable[str]) -> list[str]:
    """Safe names, those that a disk would take for the same told apart by numbers."""
    taken: set[str] = set()
    stems = []
    for name in names:
        stem = first = _safe(name)
        number = 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{first}_{number}"
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def _safe(name: str) -> str:
    """Letters, digits and a few signs of any script; not hidden, not empty, and short enough for any disk."""
    # Bytes that are no UTF-8 stand in a path for themselves; \w takes none of them.
    plain = re.sub(r"[^\w.+=@-]+", "_", unicodedata.normalize("NFC", name))
    return plain.encode()[:_LONGEST].decode(errors="ignore").strip(".-_") or "image"
