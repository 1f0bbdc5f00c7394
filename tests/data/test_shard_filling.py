"""The shards hold what the folder of files holds, whatever the source."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from many_kinds import make_many_kinds
from observed import Said, files_below, nothing_left
from test_cifar import BATCHES, record
from tiny_tfds import TinyTrainOnly

from simam_jax.data import shard_writing
from simam_jax.data.dataset import open_dataset
from simam_jax.data.preparation import prepare
from simam_jax.errors import UsageError


def both(source: str, folder: Path, **options) -> tuple[Path, Path]:
    for format in ("files", "array_record"):
        prepare(source, folder / format, format=format, **options)
    return folder / "files", folder / "array_record"


def assert_same_set(files: Path, shards: Path) -> None:
    """All that is said of both, the previews, and every file's bytes by name and in order."""
    described = [json.loads((folder / "manifest.json").read_text()) for folder in (files, shards)]
    assert [each["options"].pop("format") for each in described] == ["files", "array_record"]
    assert described[0] == described[1]
    for name in ("preview.png", "names.json"):
        assert (files / name).read_bytes() == (shards / name).read_bytes()
    for split in ("train", "eval"):
        examples = open_dataset(str(shards)).open_split(split)
        stored = [(name, examples._records[place]["image"]) for place, name in enumerate(examples.names)]
        paths = sorted((files / split).rglob("*/*"), key=lambda path: (path.parent.name, path.name))
        assert stored == [(f"{path.parent.name}/{path.name}", path.read_bytes()) for path in paths]


@pytest.mark.parametrize("size", [1, 2500, 2**27])
def test_a_folder_of_many_kinds(tmp_path, monkeypatch, size):
    monkeypatch.setattr(shard_writing, "SHARD_BYTES", size)
    files, shards = both(str(make_many_kinds(tmp_path / "source")), tmp_path)
    assert_same_set(files, shards)
    assert len(json.loads((shards / "manifest.json").read_text())["excluded"]) == 2
    assert sorted(path.name for path in shards.iterdir()) == [
        "manifest.json",
        "names.json",
        "prepared_array_record",
        "preview.png",
    ]
    names = [path.name for path in shards.glob("prepared_array_record/1.0.0/*-train.*")]
    count = {1: 16, 2500: 3, 2**27: 1}[size]
    assert sorted(names) == [
        f"prepared_array_record-train.array_record-{index:05d}-of-{count:05d}" for index in range(count)
    ]
    assert not list(tmp_path.glob(".*"))


def test_an_archive(class_tree, tmp_path):
    assert_same_set(*both(shutil.make_archive(str(tmp_path / "photos"), "gztar", class_tree), tmp_path / "out"))


def test_a_split_folder(class_tree, tmp_path):
    shutil.copytree(class_tree, tmp_path / "split" / "train")
    shutil.copytree(class_tree, tmp_path / "split" / "test")
    assert_same_set(*both(str(tmp_path / "split"), tmp_path / "out"))


def test_digits_and_chosen_classes(tmp_path):
    assert_same_set(*both("digits", tmp_path, classes="3,8", eval_every=7))


def test_cifar(tmp_path):
    root = tmp_path / "cifar"
    root.mkdir()
    for place, name in enumerate([*BATCHES, "test_batch.bin"]):
        (root / name).write_bytes(record(2 * place, 1) + record(2 * place + 1, 0))
    (root / "batches.meta.txt").write_text("bird\ncat\n")
    assert_same_set(*both(str(root), tmp_path / "out"))


def test_tfds(prepared_tfds, tmp_path):
    assert_same_set(*both(f"tfds:{prepared_tfds(TinyTrainOnly)}", tmp_path / "out"))


PREPARE = "import sys; from simam_jax.data.preparation import prepare; prepare(*sys.argv[1:], format='array_record')"


def test_two_processes_make_the_same_bytes(class_tree, tmp_path):
    for place in ("one", "other", "third"):
        subprocess.run([sys.executable, "-c", PREPARE, str(class_tree), str(tmp_path / place / "set")], check=True)
    assert files_below(tmp_path / "one") == files_below(tmp_path / "other") == files_below(tmp_path / "third")


def test_a_split_whose_last_images_are_bad(class_tree, tmp_path, monkeypatch):
    monkeypatch.setattr(shard_writing, "SHARD_BYTES", 1)
    (class_tree / "猫" / "image 0002.png").write_bytes(b"")
    (class_tree / "猫" / "image 0003.png").write_bytes(b"")
    files, shards = both(str(class_tree), tmp_path / "out")
    assert_same_set(files, shards)
    assert len(list(shards.glob("*/*/*-train.*"))) == 14


@pytest.mark.parametrize("name", ["Flowers 2", "flowers-2", ".flowers_2"])
def test_the_set_is_named_after_the_folder(class_tree, tmp_path, name):
    prepare(str(class_tree), tmp_path / "out" / name, format="array_record")
    assert [path.name for path in (tmp_path / "out" / name).iterdir() if path.is_dir()] == ["prepared_flowers_2"]


def test_again_does_nothing_and_the_other_format_is_refused(class_tree, tmp_path):
    for format, other in (("files", "array_record"), ("array_record", "files")):
        out = tmp_path / "out" / format
        first = prepare(str(class_tree), out, format=format)
        before, said = files_below(out), Said()
        assert prepare(str(class_tree), out, format=format, progress=said) == first
        assert said.messages == [f"{out} is prepared already: nothing to do (remove it to prepare it anew)"]
        with pytest.raises(UsageError, match=f"was prepared from format '{format}' and not '{other}'"):
            prepare(str(class_tree), out, format=other)
        assert files_below(out) == before


def test_an_older_folder_is_one_of_files(class_tree, out):
    prepare(str(class_tree), out)
    fields = json.loads((out / "manifest.json").read_text())
    del fields["options"]["format"]
    (out / "manifest.json").write_text(json.dumps(fields))
    assert prepare(str(class_tree), out).format == "files"
    assert len(open_dataset(str(out)).open_split("train")) == 14
    with pytest.raises(UsageError, match="was prepared from format 'files' and not 'array_record'"):
        prepare(str(class_tree), out, format="array_record")


def test_a_newer_folder_is_refused(class_tree, out):
    prepare(str(class_tree), out)
    fields = json.loads((out / "manifest.json").read_text())
    fields["options"]["format"] = "zarr"
    (out / "manifest.json").write_text(json.dumps(fields))
    with pytest.raises(UsageError, match="format is 'zarr', which this version does not know"):
        open_dataset(str(out))


def test_what_will_not_do_is_refused_and_leaves_nothing(class_tree, out):
    with pytest.raises(UsageError, match="format is 'tar': it must be one of files, array_record"):
        prepare(str(class_tree), out, format="tar")
    (class_tree / "ant").rename(class_tree / "ant ")
    with pytest.raises(UsageError, match="class 'ant ' begins or ends with a space, which TFDS takes away"):
        prepare(str(class_tree), out, format="array_record")
    assert nothing_left(out)


@pytest.mark.parametrize("package", ["array_record.python.array_record_module", "tensorflow_datasets"])
def test_a_missing_package_is_named(class_tree, out, tmp_path, monkeypatch, package):
    prepare(str(class_tree), tmp_path / "there", format="array_record")
    monkeypatch.setitem(sys.modules, package, None)
    for needs_it in (
        lambda: prepare(str(class_tree), out, format="array_record"),
        lambda: open_dataset(str(tmp_path / "there")).open_split("train"),
    ):
        with pytest.raises(UsageError, match=rf"ArrayRecord needs the packages .*{package}.*pip install"):
            needs_it()
    assert nothing_left(out)


def test_tensorflow_is_not_imported(class_tree, out):
    if "tensorflow" in sys.modules:
        pytest.skip("another test has imported TensorFlow")
    prepare(str(class_tree), out, format="array_record")
    assert "tensorflow" not in sys.modules
