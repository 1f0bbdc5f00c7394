"""The ways a command can end other than well, each with its exit code."""


class UsageError(ValueError):
    """Wrong usage, a bad config or missing data: exit code 2, one line."""

    exit_code = 2


class DivergedError(RuntimeError):
    """The loss or the gradient stopped being finite: exit code 3."""

    exit_code = 3


class StorageError(OSError):
    """Storage that is full, read-only or damaged: exit code 4."""

    exit_code = 4


class Stopped(Exception):  # noqa: N818 - no error: the work is saved
    """A signal ended the work after everything was saved: exit code 75 (SIGTERM) or 130 (Ctrl-C)."""

    def __init__(self, message: str, *, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code
