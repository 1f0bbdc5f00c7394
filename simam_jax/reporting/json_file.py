"""JSON files that a page is drawn from."""

import json
from pathlib import Path
from typing import Any

from simam_jax.errors import UsageError


def read_object(path: Path) -> dict[str, Any]:
    """The object that a file holds.

    Raises:
        UsageError: the file is missing, cannot be read, or holds anything else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path} is damaged: it is no JSON object")
    return found
