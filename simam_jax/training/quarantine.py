"""What cannot be read is kept, out of the way: it may turn out to be readable after all."""

from itertools import count
from pathlib import Path

_DAMAGED = ".damaged"


def put_aside(path: Path) -> Path:
    """Renames a folder to NAME.damaged, or NAME.damaged-2 where there is one; gives the new name.

    Raises:
        OSError: it cannot be renamed.
    """
    for number in count(1):
        aside = path.with_name(f"{path.name}{_DAMAGED}{'' if number == 1 else f'-{number}'}")
        if not aside.exists():
            return path.rename(aside)
    raise AssertionError("there is always another number")
