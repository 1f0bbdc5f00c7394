"""Every kind of source gives the images that a user would expect of it."""

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from observed import Said

from simam_jax.data import caltech101
from simam_jax.data.archive import Limits
from simam_jax.data.origins import find_source, open_source
from simam_jax.data.progress import Progress
from simam_jax.data.selection import class_names, select
from simam_jax.errors import UsageError


@pytest.fixture
def opened(tmp_path):
    """Lists a source's images as (split, class, name, bytes)."""

    def open_it(source, progress=None):
        found = find_source(str(source))
        images = open_source(found, workspace=tmp_path / "work", limits=Limits(), progress=progress or Progress())
        return [(one.split, one.class_name, one.name, one.read()) for one in select(images, found.classes)]

    return open_it


def write(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def names(images):
    return [(split, class_name, name) for split, class_name, name, _ in images]


def test_a_tree_in_sorted_order_without_hidden_files_and_folders(tmp_path, opened):
    root = write(
        tmp_path / "t", "b/2.jpg", "b/10.jpg", "a/x.jpg", "a/.hidden", ".git/x.jpg", "README.txt", "a/deep/y.jpg"
    )
    assert opened(root) == [
        (None, "a", "x.jpg", b"a/x.jpg"),
        (None, "b", "10.jpg", b"b/10.jpg"),
        (None, "b", "2.jpg", b"b/2.jpg"),
    ]


@pytest.mark.parametrize("above", ["Images", "data/Images"])
def test_classes_may_sit_below_single_folders(tmp_path, opened, above):
    root = write(tmp_path / "t", f"{above}/a/1.jpg", f"{above}/b/1.jpg", "README.txt")
    assert names(opened(root)) == [(None, "a", "1.jpg"), (None, "b", "1.jpg")]


def test_one_class_is_not_taken_for_a_folder_of_classes(tmp_path, opened):
    assert names(opened(write(tmp_path / "t", "only/1.jpg", "only/2.jpg"))) == [
        (None, "only", f"{n}.jpg") for n in (1, 2)
    ]


@pytest.mark.parametrize(
    ("held_out", "unused"), [("eval", "test"), ("val", "test"), ("Validation", "extra"), ("test", "extra")]
)
def test_a_split_tree_keeps_its_split_and_says_so(tmp_path, opened, held_out, unused):
    root = write(tmp_path / "t", "train/a/1.jpg", "train/b/1.jpg", f"{held_out}/a/1.jpg", f"{held_out}/b/2.jpg")
    write(root, f"{unused}/a/9.jpg")
    said = Said()
    assert names(opened(root, said)) == [
        ("train", "a", "1.jpg"),
        ("train", "b", "1.jpg"),
        ("eval", "a", "1.jpg"),
        ("eval", "b", "2.jpg"),
    ]
    assert said.messages == [
        f"{root} is already split and keeps its split: train/ → train, {held_out}/ → eval; {unused}/ is left out"
    ]


def test_a_link_to_nothing_is_an_image_that_cannot_be_read(tmp_path):
    root = write(tmp_path / "t", "a/1.jpg")
    (root / "a" / "2.jpg").symlink_to("nowhere")
    os.mkfifo(root / "a" / "3.jpg")
    first, second = open_source(find_source(str(root)), workspace=tmp_path / "w", limits=Limits(), progress=Progress())
    assert (first.read(), second.name) == (b"a/1.jpg", "2.jpg")
    with pytest.raises(FileNotFoundError):
        second.read()


def test_a_class_name_that_is_no_text_is_refused(tmp_path, opened):
    root = write(tmp_path / "t", "a/1.jpg")
    os.mkdir(os.fsencode(root) + b"/caf\xe9")
    with pytest.raises(UsageError, match="has a name that cannot be printed: rename its folder"):
        opened(root)


def test_classes_that_happen_to_be_called_train_and_test_are_classes(tmp_path, opened):
    root = write(tmp_path / "t", "train/1.jpg", "test/1.jpg", "bus/1.jpg")
    assert names(opened(root)) == [(None, name, "1.jpg") for name in ("bus", "test", "train")]


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["x.jpg"], "no classes in .*t: it should hold one folder of images a class"),
        (["a/1.jpg", "b/.hidden"], "class b of .*t is empty: its folder holds no files"),
        (["a/1.jpg", "b/c/1.jpg"], "class b of .*t is empty: its folder holds only folders"),
        (["train/a/1.jpg", "val/a/1.jpg", "val/b/1.jpg"], "already split, but its parts differ in the classes b"),
    ],
)
def test_trees_that_will_not_do_say_why(tmp_path, opened, paths, why):
    root = write(tmp_path / "t", *paths)
    with pytest.raises(UsageError, match=why):
        opened(root)
    with tarfile.open(tmp_path / "t.tar", "w") as archive:
        archive.add(root, ".")
    with pytest.raises(UsageError, match=why.replace("t:", r"t\.tar:").replace("t is", r"t\.tar is")):
        opened(tmp_path / "t.tar")


@pytest.mark.parametrize("name", ["", "nowhere", "Digits", "nowhere.zip"])
def test_what_is_no_source_lists_those_there_are(name):
    with pytest.raises(
        UsageError, match=r"no source '.*': give a folder, an archive, or one of caltech101, caltech101_16"
    ):
        find_source(name)


def test_names_and_paths():
    assert find_source("digits").name == "digits"
    assert find_source("caltech101_16").classes == caltech101.CLASSES_16
    assert find_source("tfds:mnist:3.0.1").name == "tfds:mnist:3.0.1"
    assert find_source(".").path == Path.cwd()


def caltech_archive() -> bytes:
    """An archive of the authors' shape: a zip that holds a tar.gz of the images, and another tar."""
    files = {f"101_ObjectCategories/{name}/image_0001.jpg": name for name in caltech101.CLASSES_16}
    files |= {
        f"101_ObjectCategories/{name}/image_0001.jpg": name for name in ("BACKGROUND_Google", "Faces", "yin_yang")
    }
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("caltech-101/101_ObjectCategories.tar.gz", inner.getvalue())
        archive.writestr("caltech-101/Annotations.tar", b"not looked at")
        archive.writestr("__MACOSX/caltech-101/._101_ObjectCategories.tar.gz", b"?")
    return outer.getvalue()


@pytest.fixture
def caltech_server(file_server, monkeypatch, tmp_path):
    content = caltech_archive()
    file_server.content = content
    monkeypatch.setattr(caltech101, "URL", file_server.url)
    monkeypatch.setattr(caltech101, "SIZE", len(content))
    monkeypatch.setattr(caltech101, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return file_server


def test_caltech101_is_downloaded_once_and_unpacked_twice(caltech_server, opened, tmp_path):
    images = opened("caltech101")
    assert [one[1] for one in images] == ["Faces", *caltech101.CLASSES_16, "yin_yang"]
    assert {one[3].decode() for one in images} == {one[1] for one in images}
    assert (tmp_path / "cache" / "simam_jax" / "caltech-101.zip").read_bytes() == caltech_server.content
    assert len(caltech_server.requests) == 1


def test_caltech101_16_is_its_subset_and_uses_the_same_download(caltech_server, opened, tmp_path):
    opened("caltech101")
    (tmp_path / "work").rename(tmp_path / "earlier")
    assert [one[1] for one in opened("caltech101_16")] == list(caltech101.CLASSES_16)
    assert len(caltech_server.requests) == 1


def test_the_authors_archive_may_be_given_as_a_file(opened, tmp_path):
    (tmp_path / "mine.zip").write_bytes(caltech_archive())
    assert [one[1] for one in opened(tmp_path / "mine.zip")] == ["Faces", *caltech101.CLASSES_16, "yin_yang"]


def test_selection_by_list_and_by_name(tmp_path):
    assert class_names("b, a,,b") == ("a", "b")
    assert class_names("caltech101_16") == caltech101.CLASSES_16
    with pytest.raises(UsageError, match="no class is named"):
        class_names(" , ")


def test_an_unknown_class_names_the_nearest(tmp_path):
    root = write(tmp_path / "t", "ant/1.jpg", "bass/1.jpg", "bee/1.jpg")
    images = list(open_source(find_source(str(root)), workspace=tmp_path / "w", limits=Limits(), progress=Progress()))
    assert [one.class_name for one in select(images, ("bass", "ant"))] == ["ant", "bass"]
    assert select(images, ()) == images
    with pytest.raises(UsageError, match=r"no class ants \(nearest: ant"):
        select(images, ("ants", "bass"))
    with pytest.raises(UsageError, match=r"no class zzz \(it has ant, bass, bee\)"):
        select(images, ("zzz",))


def test_the_sixteen_classes_follow_the_rule(photographs):
    folders = sorted(path.name for path in photographs.iterdir())
    assert tuple(folders) == caltech101.CLASSES_16
