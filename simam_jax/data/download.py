"""Downloads one large file, going on where an earlier try was cut off."""

import dataclasses
import hashlib
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from simam_jax.data.lock import lock
from simam_jax.data.progress import Progress
from simam_jax.errors import UsageError

_CHUNK = 1 << 20
_TRIES = 5  # without a byte more
_TIMEOUT = 30  # seconds without a byte
_BAD_RANGE = 416
_BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
_WORTH_ANOTHER_TRY = (408, 416, 429, 500, 502, 503, 504)


def cache_folder() -> Path:
    """Where downloads are kept: `$XDG_CACHE_HOME/simam_jax`, or else `~/.cache/simam_jax`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "simam_jax"


def download(url: str, path: Path, *, size: int, sha256: str, progress: Progress, pause: float = 1.0) -> None:
    """Makes `path` the file that `url` serves, unless it is there already and right.

    What has come so far is kept as `path` + ".part", with which the next try or the next call goes on.

    Args:
      url: what to load.
      path: where to keep it.
      size: the file's length in bytes.
      sha256: its checksum, hexadecimal.
      progress: is told the bytes loaded.
      pause: seconds before another try; twice as long after each that brought nothing.

    Raises:
      UsageError: the server cannot be reached or refuses, the connection broke five times in a row, another process is
        loading the same file, or what came has another checksum.
      OSError: the file cannot be written.
    """
    if path.is_file() and _checksum(path) == sha256:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("ab") as file:
            _lock(file, path)
            resumed = file.tell() > 0
            transfer = _Transfer(url, file, path, size, progress, pause)
            transfer.complete()
            if resumed and _checksum(part) != sha256:
                progress.say(f"{part} was not the beginning of this file: loading it anew")
                transfer.restart()
                transfer.complete()
            found = _checksum(part)
            if found != sha256:
                part.unlink()
                raise UsageError(f"{url} gave another checksum ({found}), its file was thrown away: try again later")
            part.replace(path)
    except OSError as error:
        error.filename = error.filename or str(part)  # a write that fails does not say where
        raise


@dataclasses.dataclass
class _Transfer:
    """The way of one file's bytes from `url` to `file`, in several tries."""

    url: str
    file: BinaryIO
    path: Path
    size: int
    progress: Progress
    pause: float

    def complete(self) -> None:
        """Appends until the file has its size, in as many tries as bring it forward and a few that do not."""
        furthest, fruitless, trouble = self.file.tell(), 0, ""
        while self.file.tell() != self.size:
            if trouble:
                self.progress.say(f"download interrupted ({trouble}), trying again")
                time.sleep(self.pause * 2**fruitless)
            trouble = self._try(first=not trouble)
            fruitless = 0 if self.file.tell() > furthest else fruitless + 1
            furthest = max(furthest, self.file.tell())
            if fruitless == _TRIES:
                raise self._failure(trouble)
        self.file.flush()

    def restart(self) -> None:
        self.file.truncate(0)
        self.file.seek(0)

    def _try(self, *, first: bool) -> str:
        """Asks for what is missing and appends what comes; returns why it was not all."""
        try:
            self._append()
        except urllib.error.HTTPError as error:
            if error.code not in _WORTH_ANOTHER_TRY:
                raise self._failure(f"the server answers {error.code} {error.reason}") from error
            if error.code == _BAD_RANGE:
                self.restart()
            return f"the server answers {error.code}"
        except _BROKEN as error:
            trouble = str(getattr(error, "reason", error)) or type(error).__name__
            if first and isinstance(error, urllib.error.URLError):  # no network: do not keep the user waiting
                raise self._failure(trouble) from error
            return trouble
        came = self.file.tell()
        if came > self.size:
            self.restart()
        return f"{came:,} of {self.size:,} bytes came"

    def _append(self) -> None:
        start = self.file.tell()
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={start}-"} if start else {})
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            if start and answer.status != http.HTTPStatus.PARTIAL_CONTENT:  # the server does not know ranges
                self.restart()
            while self.file.tell() <= self.size and (piece := answer.read(_CHUNK)):
                self.file.write(piece)
                self.progress.update(f"loading {self.path.name} (bytes)", self.file.tell(), self.size)

    def _failure(self, trouble: str) -> UsageError:
        return UsageError(
            f"{self.url} cannot be loaded ({trouble}): "
            f"run again to go on where it stopped, or put the file at {self.path} yourself"
        )


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        lock(file, path)
    except BlockingIOError:
        raise UsageError(f"another process is loading {path.name}: wait for it, then run again") from None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
