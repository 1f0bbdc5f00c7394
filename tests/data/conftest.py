"""What several tests of the data side need: a web server for files, and images as files."""

import http.server
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


class FileServer(http.server.ThreadingHTTPServer):
    """Serves one content under every path; well by default, or badly.

    Attributes:
      content: the bytes served.
      cut: after how many bytes of an answer the connection breaks, None for never.
      status: an error to answer with instead, 0 for none.
      ranges: whether `Range` is understood.
      requests: the `Range` header of every request so far.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = b""
        self.cut: int | None = None
        self.status = 0
        self.ranges = True
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.zip?download=1"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, FileServer)
        asked, start = self.headers.get("Range"), 0
        server.requests.append(asked)
        if server.status:
            self.send_error(server.status)
            return
        if asked and server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(server.content):
                self.send_error(416)
                return
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start:][: server.cut])

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A running server on this machine."""
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def png() -> Callable[[int], bytes]:
    """Gives the bytes of a small image, another one for each number."""

    def make(number: int) -> bytes:
        pixels = np.random.default_rng(number).integers(0, 256, (6, 5, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    return make


@pytest.fixture
def class_tree(tmp_path: Path, png: Callable[[int], bytes]) -> Path:
    """A source of three classes of 11, 7 and 2 images, with spaces in names, without bad files."""
    root = tmp_path / "photos"
    for offset, (class_name, count) in enumerate({"ant": 11, "Bee": 7, "猫": 2}.items()):
        (root / class_name).mkdir(parents=True)
        for index in range(count):
            (root / class_name / f"image {index:04d}.png").write_bytes(png(100 * offset + index))
    return root


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder to prepare into, which is not there yet."""
    return tmp_path / "prepared" / "photos"


@pytest.fixture
def prepared_tfds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Prepares a set below `$TFDS_DATA_DIR` and gives its name."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    def prepare(builder_class) -> str:
        builder = builder_class(data_dir=str(tmp_path), file_format="array_record")
        builder.download_and_prepare()
        return builder.name

    return prepare
