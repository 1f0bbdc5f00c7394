"""Decides where an archive's members may land."""

import re
import unicodedata
from pathlib import Path

from simam_jax.data.archive_members import Member
from simam_jax.errors import UsageError

_DRIVE = re.compile(r"[A-Za-z]:")
_MAX_NAME_BYTES = 255


class MemberPaths:
    """The paths of one archive's members, checked one after the other.

    Names are checked as on the strictest of file systems, so that an archive is safe or refused alike everywhere.
    """

    def __init__(self, archive: Path):
        self._archive = archive
        self._seen: dict[str, tuple[str, str]] = {}

    def add(self, member: Member) -> tuple[str, ...]:
        """Returns the member's path below the target folder, empty for the target itself.

        Raises:
          UsageError: the member is no file or folder, would land outside, or collides with an earlier one.
        """
        if member.kind not in ("file", "folder"):
            raise self.refusal(member.name, f"is {member.kind}")
        parts = self._inside(member.name)
        for length in range(1, len(parts) + 1):
            kind = member.kind if length == len(parts) else "folder"
            self._claim(member.name, "/".join(parts[:length]), kind)
        if member.kind == "file" and not parts:
            raise self.refusal(member.name, "has no name")
        return parts

    def refusal(self, name: str, why: str) -> UsageError:
        """The error that refuses the archive because of one member."""
        return UsageError(f"{self._archive} is refused, nothing of it was unpacked: its member {name!r} {why}")

    @staticmethod
    def hidden(parts: tuple[str, ...]) -> bool:
        """Whether a path is hidden, or one of the extras that macOS puts into archives."""
        return any(part.startswith(".") or part == "__MACOSX" for part in parts)

    def _inside(self, name: str) -> tuple[str, ...]:
        if name.startswith("/") or _DRIVE.match(name):
            raise self.refusal(name, "has an absolute path")
        if "\\" in name or any(ord(letter) < 32 for letter in name):
            raise self.refusal(name, "has a backslash or a control character in its name")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if ".." in parts:
            raise self.refusal(name, "would land outside")
        if any(len(part.encode("utf-8", "surrogateescape")) > _MAX_NAME_BYTES for part in parts):
            raise self.refusal(name, "has too long a name")
        return parts

    def _claim(self, name: str, path: str, kind: str) -> None:
        folded = unicodedata.normalize("NFC", path).casefold()
        earlier = self._seen.get(folded)
        if earlier is not None and (earlier != (path, "folder") or kind != "folder"):
            raise self.refusal(name, f"collides with {earlier[0]!r}")
        self._seen[folded] = (path, kind)
