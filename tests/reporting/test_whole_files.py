"""Files are whole or as they were."""

import os

import pytest

from simam_jax.errors import StorageError
from simam_jax.reporting.whole_files import write_whole


def test_files_in_place_of_earlier_ones(tmp_path):
    write_whole(tmp_path / "new", {"a.txt": "one", "b.bin": b"\xff", "c.txt": "caf\u00e9 \udcff"})
    write_whole(tmp_path / "new", {"a.txt": "two"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == {
        "a.txt": b"two",
        "b.bin": b"\xff",
        "c.txt": b"caf\xc3\xa9 \xff",
    }


def test_none_is_touched_before_all_are_on_the_disk(tmp_path, monkeypatch):
    write_whole(tmp_path, {"a": "old", "b": "old"})
    synced = []

    def sync(number):
        synced.append(number)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(StorageError, match=f"cannot write to {tmp_path}: No space left on device"):
        write_whole(tmp_path, {"a": "new", "b": "new"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old", "b": "old"}
