"""Lists a zip or tar archive's members in one form."""

import dataclasses
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tarfile import (
    GNUTYPE_LONGLINK,
    GNUTYPE_LONGNAME,
    SOLARIS_XHDTYPE,
    XGLTYPE,
    XHDTYPE,
    EOFHeaderError,  # pyright: ignore[reportAttributeAccessIssue]
    HeaderError,
    ReadError,
    TarFile,
    TarInfo,
    is_tarfile,
)
from typing import IO, cast

from simam_jax.errors import UsageError

_ENCRYPTED = 0x1
_CHUNK = 1 << 20
_MOST_PADDING = 16 << 20
_MOST_HEADER = 1 << 20
_EXTENDED = (XHDTYPE, XGLTYPE, SOLARIS_XHDTYPE, GNUTYPE_LONGNAME, GNUTYPE_LONGLINK)


@dataclasses.dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Attributes:
      name: its path as the archive has it, not to be trusted.
      kind: "file", "folder", or else what it is instead, in words.
      open: gives a reader of its content.
    """

    name: str
    kind: str
    open: Callable[[], IO[bytes]]


def members(path: Path) -> Iterator[Member]:
    """Yields the members of a zip or tar archive in its order; each must be read before the next is asked for.

    Raises:
      UsageError: neither a zip nor a tar archive.
    """
    if zipfile.is_zipfile(path) and not is_tarfile(path):  # a tar that ends with a zip looks like both
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                yield Member(info.orig_filename, _zip_kind(info), lambda info=info: archive.open(info))
        return
    try:
        tar = TarFile.open(path, "r:*", tarinfo=_StrictTarInfo)
    except ReadError:
        raise UsageError(
            f"{path} is no archive that can be read: give a .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz"
        ) from None
    with tar:
        for info in tar:
            yield Member(info.name, _tar_kind(info), lambda info=info: cast(IO[bytes], tar.extractfile(info)))
        _read_to_the_end(tar)


class _StrictTarInfo(TarInfo):
    """A header that is checked.

    By itself `tarfile` takes a damaged header for the end of the archive and drops the rest in silence, and reads an
    extended header of any size into memory.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> TarInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.type in _EXTENDED and info.size > _MOST_HEADER:
            raise ReadError(f"an extended header of {info.size:,} bytes")
        return info

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> TarInfo:
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise
        except HeaderError as error:
            raise ReadError(f"{error} at byte {tarfile.offset}") from error


def _read_to_the_end(tar: TarFile) -> None:
    """Reads what pads a tar archive, so that its decompressor comes to its checksum."""
    assert tar.fileobj is not None
    padding = 0
    while chunk := tar.fileobj.read(_CHUNK):
        padding += len(chunk)
        if padding > _MOST_PADDING:
            raise ReadError("data after its end")


def _zip_kind(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "encrypted"
    file_type = stat.S_IFMT(info.external_attr >> 16)
    if file_type == stat.S_IFLNK:
        return "a symbolic link"
    if file_type not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a device"
    return "folder" if info.is_dir() else "file"


def _tar_kind(info: TarInfo) -> str:
    if info.issym():
        return "a symbolic link"
    if info.islnk():
        return "a hard link"
    if info.isdir():
        return "folder"
    return "file" if info.isreg() else "a device"
