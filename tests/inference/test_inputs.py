"""Words become images, in order and without surprises."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from simam_jax.errors import UsageError
from simam_jax.inference.inputs import find_inputs


def image(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(file, kind)
    return file.getvalue()


def nothing() -> bytes:
    raise AssertionError("standard input was read")


def found(*words, stdin=nothing):
    return [(each.path, each.problem) for each in find_inputs(words, stdin)]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """The current folder: images, other files and hidden ones."""
    for name in ["b.png", "a.JPEG", "notes.txt", ".hidden.png", "sub/c.tif", "sub/deep/d.webp", ".git/e.png", "e*.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(image())
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_taken_whatever_its_name(tree):
    assert found("notes.txt", ".hidden.png") == [("notes.txt", ""), (".hidden.png", "")]


def test_a_folder_gives_what_is_named_like_an_image_and_not_hidden(tree):
    assert found(".") == [(f"./{name}", "") for name in ["a.JPEG", "b.png", "e*.png", "sub/c.tif", "sub/deep/d.webp"]]


def test_a_pattern_is_sorted_and_may_be_deep(tree):
    assert found("sub/**/*.*") == [("sub/c.tif", ""), ("sub/deep/d.webp", "")]
    assert found("s?b") == [("sub/c.tif", ""), ("sub/deep/d.webp", "")]


def test_a_file_with_a_star_in_its_name_is_that_file(tree):
    assert found("e*.png") == [("e*.png", "")]


def test_what_is_no_input_keeps_its_place(tree):
    assert found("gone.png", "b.png", "*.gif", "empty") == [
        ("gone.png", "no such file or directory"),
        ("b.png", ""),
        ("*.gif", "no file matches"),
        ("empty", "no image in this folder"),
    ]


def test_a_device_is_not_read(tree):
    assert found(os.devnull, "b.png")[0] == (os.devnull, "neither a file nor a folder")


def test_a_link_to_a_folder_inside_is_not_followed(tree):
    (tree / "sub" / "loop").symlink_to(tree)
    assert found("sub") == [("sub/c.tif", ""), ("sub/deep/d.webp", "")]


def test_nothing_is_an_error_that_says_why(tree):
    with pytest.raises(UsageError, match=r"^there is no image: gone: no such file or directory; empty: no image"):
        find_inputs(["gone", "empty"], nothing)
    with pytest.raises(UsageError, match=r"; 3\.png: no such file or directory and 2 more$"):
        find_inputs([f"{n}.png" for n in range(1, 6)], nothing)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "PPM"])
def test_standard_input_may_be_an_image(kind):
    (only,) = find_inputs(["-"], lambda: image(kind))
    assert (only.path, only.problem, only.read()) == ("-", "", image(kind))


def test_an_image_written_as_text_is_an_image():
    (only,) = find_inputs(["-"], lambda: b"P3 1 1 255\n1 2 3\n")
    assert only.data is not None


def test_standard_input_may_be_a_list(tree):
    lines = b"b.png\r\n\n-\ngone.png\nsub\n"
    assert found("-", "a.JPEG", stdin=lambda: lines) == [
        ("b.png", ""),
        ("gone.png", "no such file or directory"),
        ("sub/c.tif", ""),
        ("sub/deep/d.webp", ""),
        ("a.JPEG", ""),
    ]


def test_a_listed_name_need_not_be_utf8(tree):
    name = os.fsdecode(b"b\xff.png")
    (tree / name).write_bytes(image())
    (only,) = find_inputs(["-"], lambda: b"b\xff.png\n")
    assert only.read() == image()


@pytest.mark.parametrize("data", [b"", b" \n\n"])
def test_standard_input_may_be_empty_but_not_alone(data):
    with pytest.raises(UsageError, match="there is no image: "):
        find_inputs(["-"], lambda: data)
