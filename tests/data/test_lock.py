"""Locks, and file systems that have none."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from simam_jax.data.atomic_folder import atomic_folder
from simam_jax.data.lock import lock
from simam_jax.data.resumable_folder import remove_leftovers, unfinished


@pytest.fixture(params=[errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def no_locks(request, monkeypatch):
    """A file system without locks."""

    def refuse(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_one_at_a_time(tmp_path):
    with (tmp_path / "file").open("w") as ours, (tmp_path / "file").open("w") as theirs:
        assert lock(ours, tmp_path)
        with pytest.raises(BlockingIOError):
            lock(theirs, tmp_path)
        ours.close()
        assert lock(theirs.fileno(), tmp_path)


def test_what_cannot_be_locked_for_another_reason_is_an_error(tmp_path):
    with (tmp_path / "file").open("w") as file:
        closed = file.fileno()
    with pytest.raises(OSError, match="Bad file descriptor"):
        lock(closed, tmp_path)


def test_without_locks_it_goes_on_with_a_warning(no_locks, tmp_path, log):
    with (tmp_path / "file").open("w") as file:
        assert not lock(file, tmp_path / "file")
    assert f"warning: {tmp_path / 'file'} cannot be locked (" in log.text
    assert "see that no other command works in it" in log.text


def test_without_locks_nothing_is_taken_for_left(no_locks, tmp_path):
    """It may be somebody's who is at work."""
    theirs: Path = tmp_path / ".photos.partial-0123"
    theirs.mkdir()
    unfinished(tmp_path / "photos").mkdir()
    with atomic_folder(tmp_path / "photos") as partial:
        (partial / "file").touch()
    remove_leftovers(tmp_path / "photos")
    assert (tmp_path / "photos" / "file").exists()
    assert theirs.exists()
    assert unfinished(tmp_path / "photos").exists()
