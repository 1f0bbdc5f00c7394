"""A lock that ends with the process, on file systems that have locks."""

import errno
import fcntl
import logging
from pathlib import Path
from typing import IO

_NONE_HERE = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}

_log = logging.getLogger(__name__)


def lock(file: int | IO, what: Path) -> bool:
    """Locks an open file or folder for whoever has it open, until they close it or end, however that is.

    Args:
        file: the file, or its descriptor.
        what: is locked by it, for the warning.

    Returns:
        Whether it is locked; not, with a warning, where the file system has no locks, as some clusters' have none.

    Raises:
        BlockingIOError: somebody else has locked it.
        OSError: it cannot be locked for another reason.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NONE_HERE:
            raise
        _log.warning("warning: %s cannot be locked (%s): see that no other command works in it", what, error.strerror)
        return False
    return True
