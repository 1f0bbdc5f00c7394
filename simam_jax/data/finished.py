"""Says whether a folder already is the preparation that is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simam_jax.data.manifest import FILE_NAME, Manifest, read_manifest
from simam_jax.errors import UsageError


def find_finished(target: Path, source: str, options: Mapping[str, Any]) -> Manifest | None:
    """Reads the manifest of an earlier preparation of the same source with the same options.

    Returns:
      The manifest, or None where `target` does not exist or is an empty folder, so that it can be made.

    Raises:
      UsageError: `target` is something else: a file, a folder of other things, or of another preparation.
    """
    if not target.exists():
        return None
    if not target.is_dir():
        raise UsageError(f"{target} is a file: choose another place")
    if not (target / FILE_NAME).exists():
        if any(target.iterdir()):
            raise UsageError(f"{target} is not empty and holds no prepared data: choose another place, or empty it")
        return None
    manifest = read_manifest(target)
    asked = {"source": source, **options}
    there = {"source": manifest.source, **manifest.options, "format": manifest.format}
    differing = [name for name in asked if asked[name] != there.get(name)]
    if differing:
        said = ", ".join(f"{name} {there.get(name)!r} and not {asked[name]!r}" for name in differing)
        raise UsageError(f"{target} was prepared from {said}: choose another place, or remove it")
    return manifest
