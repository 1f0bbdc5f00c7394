"""File systems for tests that fill them, make them read-only, or have them be slow; for root on Linux."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of its own, in memory, at `folder`."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "small_disk", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, *, but: int) -> Path:
    """A file that leaves so many bytes."""
    filler = folder / "filler"
    room = os.statvfs(folder)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - but)
    return filler


def make_read_only(folder: Path, *, seen_by: int) -> None:
    """Only for processes that share their mounts with the process of that number."""
    inside = ["nsenter", "--mount", f"--target={seen_by}"]
    _mount("--bind", str(folder), str(folder), inside=inside)
    _mount("-o", "remount,bind,ro", str(folder), inside=inside)


def make_writable(folder: Path) -> None:
    """Undoes `make_read_only` for this process, if it was one to see it."""
    # `os.path.ismount` takes a folder bound to itself for none.
    if any(line.split()[1] == str(folder) for line in Path("/proc/self/mounts").read_text().splitlines()):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def stalling(call: str, path: Path, *, seconds: float, when: int = 1) -> list[str]:
    """What to start a command with for a system call on a path to take so long, the `when`-th time."""
    if shutil.which("strace") is None:
        pytest.skip("strace, which delays system calls, is not installed")
    calls = f"trace={call}"
    late = f"inject={call}:delay_enter={round(seconds * 1e6)}:when={when}"
    # -D: the command is our own child, and strace its.
    return ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-P", str(path), "-e", calls, "-e", late]


def _mount(*arguments: str, inside: list[str] | None = None) -> None:
    done = subprocess.run([*(inside or []), "mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
