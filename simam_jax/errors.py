"""The ways a command can end other than well, each with its exit code."""

import errno

STORAGE_ERRNOS = {
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EROFS", "EFBIG", "EIO", "EACCES", "EPERM", "EMFILE", "ENFILE"),
        *("ESTALE", "ETIMEDOUT", "ENOTCONN"),  # of a file system over the network
    )
}
"""What the system says of storage that cannot be used as it is, whatever the files hold."""
RUN_AGAIN = 75
"""The exit code where nothing is wrong with the run: it was stopped by SIGTERM, or its processes missed one another."""


class UsageError(ValueError):
    """Wrong usage, a bad config or missing data: exit code 2, one line."""

    exit_code = 2


class DivergedError(RuntimeError):
    """The loss or the gradient stopped being finite: exit code 3."""

    exit_code = 3


class StorageError(OSError):
    """Storage that is full, read-only, out of reach or damaged: exit code 4."""

    exit_code = 4


class Stopped(BaseException):
    """A signal ended the work without losing any of it: exit code 75 (SIGTERM) or 130 (Ctrl-C).

    No Exception, as KeyboardInterrupt is none: it may come anywhere, and says nothing about what it interrupts.
    """

    def __init__(self, message: str, *, exit_code: int):
        super().__init__(message)
        self.exit_code = exit_code
