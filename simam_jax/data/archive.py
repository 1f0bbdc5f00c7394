"""Unpacks archives that are not trusted: all of one, or nothing of it."""

import dataclasses
import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from simam_jax.data.archive_members import Member, members
from simam_jax.data.member_paths import MemberPaths
from simam_jax.errors import UsageError

_CHUNK = 1 << 20
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


@dataclasses.dataclass(frozen=True)
class Limits:
    """The most that an archive may unpack to, counted by what is really written and not by what its headers say.

    Attributes:
      max_bytes: bytes in all; the default of 200 GB is above the image sets in common use.
      max_files: members in all, folders among them.
    """

    max_bytes: int = 200_000_000_000
    max_files: int = 5_000_000


def extract(path: Path, into: Path, limits: Limits) -> None:
    """Unpacks a .zip or .tar (plain, gzip, bzip2, xz) archive into a new folder; hidden members are passed over.

    Args:
      path: the archive; its kind is told by its content.
      into: the folder to make; it must not exist.
      limits: bounds on what is unpacked.

    Raises:
      UsageError: the file is no archive or damaged; or a member would land outside, is a link or a device, repeats
        another's name (in letters of either case), is encrypted, or goes beyond a limit. Nothing is left behind then.
    """
    into.mkdir(parents=True)
    try:
        _extract(path, into, limits)
    except BaseException as error:
        shutil.rmtree(into, ignore_errors=True)
        if isinstance(error, _DAMAGED) or (isinstance(error, OSError) and error.errno is None):
            raise UsageError(f"{path} is a damaged archive: {str(error) or type(error).__name__}") from error
        raise


def _extract(path: Path, into: Path, limits: Limits) -> None:
    paths = MemberPaths(path)
    room = limits.max_bytes
    for number, member in enumerate(members(path), start=1):
        if number > limits.max_files:
            raise paths.refusal(member.name, f"is beyond the limit of {limits.max_files:,} files (see --max-files)")
        parts = paths.add(member)
        if member.kind == "folder":
            into.joinpath(*parts).mkdir(parents=True, exist_ok=True)
            continue
        room -= _write(member, None if paths.hidden(parts) else into.joinpath(*parts), room)
        if room < 0:
            raise paths.refusal(member.name, f"goes beyond the limit of {limits.max_bytes:,} bytes (see --max-bytes)")


def _write(member: Member, target: Path | None, room: int) -> int:
    """Copies a member (to nowhere, if target is None) until it is more than `room` bytes; returns the bytes read."""
    done = 0
    with member.open() as source, _sink(target) as sink:
        while done <= room and (chunk := source.read(_CHUNK)):
            done += len(chunk)
            sink.write(chunk)
    return done


def _sink(target: Path | None):
    if target is None:
        return open("/dev/null", "wb")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.open("xb")
