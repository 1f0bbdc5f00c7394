"""Programs that stand where a script looks for real ones: they note how they are called and end as they are told."""

import json
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path


class StandIn:
    """One program in a folder for PATH."""

    def __init__(self, folder: Path, name: str, *, exit_codes: Sequence[int] = (0,)):
        """Ends with the next of `exit_codes` at each call, and with the last from then on."""
        self.path = folder / name
        self._calls = folder / f"{name}.calls"
        folder.mkdir(exist_ok=True)
        self.path.write_text(
            f"#!{sys.executable}\n"
            "import json, pathlib, sys\n"
            f"calls = pathlib.Path({str(self._calls)!r})\n"
            "with calls.open('a') as file:\n"
            "    print(json.dumps(sys.argv[1:]), file=file)\n"
            f"codes = {list(exit_codes)}\n"
            "sys.exit(codes[min(len(calls.read_text().splitlines()), len(codes)) - 1])\n"
        )
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()] if self._calls.exists() else []


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a script that finds the programs of a folder first, and none of the variables it takes."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return {**kept, "PATH": f"{folder}:{os.environ['PATH']}", **variables}
