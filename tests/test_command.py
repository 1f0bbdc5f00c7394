"""From an exception to a line and an exit code."""

import errno

import pytest

from simam_jax.command import explain
from simam_jax.errors import DivergedError, Stopped, StorageError, UsageError


@pytest.mark.parametrize(
    ("error", "line", "exit_code"),
    [
        (UsageError("no\n such  thing"), "error: no such thing", 2),
        (DivergedError("nan"), "error: nan", 3),
        (StorageError("full"), "error: full", 4),
        (OSError(errno.ESTALE, "Stale file handle", "x"), "error: [Errno 116] Stale file handle: 'x'", 4),
        (OSError(errno.EMFILE, "Too many open files"), "error: [Errno 24] Too many open files", 4),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "error: [Errno 13] Permission denied: 'x'", 4),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "error: nobody reads what is printed any longer", 1),
        (Stopped("saved", exit_code=75), "saved", 75),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
)
def test_what_is_foreseen_is_a_line(error, line, exit_code):
    assert explain(error) == (line, exit_code)


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError(errno.ENOENT, "no file"), MemoryError()])
def test_what_is_not_is_none(error):
    assert explain(error) is None
