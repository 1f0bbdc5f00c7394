"""A study's results as files: results.json, results.csv and results.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simam_jax.errors import StorageError
from simam_jax.reporting.study_csv import study_csv
from simam_jax.reporting.study_text import describe_study


def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Writes a study's results, in place of earlier ones; each file is whole or as it was.

    Raises:
        StorageError: they cannot be written.
    """
    texts = {
        "results.json": json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "results.csv": study_csv(results),
        "results.md": describe_study(results),
    }
    try:
        for name, text in texts.items():
            partial = folder / f".{name}.partial"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror or error}") from error
