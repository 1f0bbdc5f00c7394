"""Downloads from a local server that behaves well, badly, or not at all."""

import contextlib
import errno
import hashlib
import random
import socket

import pytest

from simam_jax.data import download as module
from simam_jax.data.download import cache_folder, download
from simam_jax.data.progress import Progress
from simam_jax.errors import UsageError

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(file_server):
    file_server.content = CONTENT
    return file_server


class Said(Progress):
    """Remembers what it is told."""

    def __init__(self):
        self.messages, self.done = [], []

    def say(self, message):
        self.messages.append(message)

    def update(self, what, done, total):
        self.done.append((what, done, total))


def load(server, path, progress=None, **changes):
    options = {"size": len(CONTENT), "sha256": SHA256, "pause": 0.0} | changes
    download(server.url, path, progress=progress or Progress(), **options)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_once(server, tmp_path):
    said = Said()
    load(server, tmp_path / "cache" / "file.zip", said)
    load(server, tmp_path / "cache" / "file.zip", said)
    assert (tmp_path / "cache" / "file.zip").read_bytes() == CONTENT
    assert server.requests == [None]
    assert leftovers(tmp_path / "cache") == ["file.zip"]
    assert said.done[-1] == ("loading file.zip (bytes)", len(CONTENT), len(CONTENT))


def test_a_dropped_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.cut, said = 70_000, Said()
    load(server, tmp_path / "file.zip", said)
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=70000-", "bytes=140000-", "bytes=210000-", "bytes=280000-"]
    assert said.messages[0] == "download interrupted (70,000 of 300,000 bytes came), trying again"


def test_an_earlier_part_is_gone_on_with(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:100_000])
    load(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert server.requests == ["bytes=100000-"]


def test_a_whole_part_needs_no_server(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    load(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert server.requests == []


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "file.zip.part").write_bytes(b"x" * 100_000)
    load(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert server.requests == ["bytes=100000-"]


@pytest.mark.parametrize("length", [1000, len(CONTENT), len(CONTENT) + 1])
def test_a_wrong_part_is_thrown_away(server, tmp_path, length):
    (tmp_path / "file.zip.part").write_bytes(b"x" * length)
    load(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert server.requests[-1] is None
    assert leftovers(tmp_path) == ["file.zip"]


def test_a_damaged_file_is_loaded_again(server, tmp_path):
    (tmp_path / "file.zip").write_bytes(CONTENT[:-1] + b"?")
    load(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"?", b"y" * len(CONTENT)])
def test_a_wrong_checksum_is_an_error_and_leaves_nothing(server, tmp_path, content):
    server.content = content
    with pytest.raises(UsageError, match="another checksum"):
        load(server, tmp_path / "file.zip")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("content", [CONTENT[:-1000], CONTENT + b"more", b""])
def test_a_file_of_another_length_is_an_error(server, tmp_path, content):
    server.content = content
    with pytest.raises(
        UsageError, match=r"cannot be loaded \(.*bytes came\)|cannot be loaded \(the server answers 416\)"
    ):
        load(server, tmp_path / "file.zip")
    assert not (tmp_path / "file.zip").exists()


def test_a_refusal_is_final(server, tmp_path):
    server.status = 404
    with pytest.raises(UsageError, match="the server answers 404"):
        load(server, tmp_path / "file.zip")
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_five_times(server, tmp_path):
    server.status = 503
    with pytest.raises(UsageError, match="the server answers 503"):
        load(server, tmp_path / "file.zip")
    assert len(server.requests) == 5


def test_no_network_is_said_at_once(tmp_path):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    path = tmp_path / "file.zip"
    path.with_name("file.zip.part").write_bytes(CONTENT[:10])
    with pytest.raises(UsageError, match=r"cannot be loaded \(.*refused\).*put the file at .*file\.zip yourself"):
        download(f"http://127.0.0.1:{port}/", path, size=300_000, sha256=SHA256, progress=Progress(), pause=3600.0)
    assert path.with_name("file.zip.part").read_bytes() == CONTENT[:10]


def test_another_download_under_way_is_not_disturbed(server, tmp_path):
    with (tmp_path / "file.zip.part").open("ab") as file:
        module._lock(file, tmp_path / "file.zip")
        with pytest.raises(UsageError, match=r"another process is loading file\.zip"):
            load(server, tmp_path / "file.zip")


def test_a_full_disk_is_not_taken_for_the_network(server, tmp_path, monkeypatch):
    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module._Transfer, "_append", full)
    with pytest.raises(OSError, match="No space left") as caught:
        load(server, tmp_path / "file.zip")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path / "file.zip.part")


def test_the_cache_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "simam_jax"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "simam_jax"
