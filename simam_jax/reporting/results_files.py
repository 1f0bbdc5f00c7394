"""A study's results as files: results.json, results.csv and results.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simam_jax.reporting.study_csv import study_csv
from simam_jax.reporting.study_text import describe_study
from simam_jax.reporting.whole_files import write_whole


def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Writes a study's results, in place of earlier ones; each file is whole or as it was.

    Raises:
        StorageError: they cannot be written.
    """
    write_whole(
        folder,
        {
            "results.csv": study_csv(results),
            "results.md": describe_study(results),
            "results.json": json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        },
    )
