"""Shards are seen as the folder of files is."""

import json
import os
import shutil
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from many_kinds import kinds, make_many_kinds

from simam_jax.data import shard_writing
from simam_jax.data.dataset import open_dataset, open_splits
from simam_jax.data.decode import BadImageError, decode
from simam_jax.data.pipeline import eval_batches, train_batches
from simam_jax.data.preparation import prepare
from simam_jax.data.records import Records
from simam_jax.data.view import FixedView, RandomResizedCrop
from simam_jax.errors import UsageError


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Path, Path]:
    """The same source prepared as files and as shards, of a few images each."""
    folder = tmp_path_factory.mktemp("pair")
    source = make_many_kinds(folder / "source")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard_writing, "SHARD_BYTES", 2500)
        for format in ("files", "array_record"):
            prepare(str(source), folder / f"Of {format}", format=format)
    return folder / "Of files", folder / "Of array_record"


@pytest.fixture
def shards(pair, tmp_path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(pair[1], tmp_path / "copy"))


def the_set(folder: Path) -> Path:
    return folder / "prepared_of_array_record" / "1.0.0"


def records(examples, view, cache_gb=0.0) -> Records:
    return Records(examples, view, cache_gb=cache_gb, on_bad_record="fail")


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize("split", ["train", "eval"])
def test_examples_are_the_folders_in_its_order(pair, split):
    files, shards = (open_dataset(str(folder)).open_split(split) for folder in pair)
    assert type(files) is not type(shards)
    assert list(shards.names) == list(files.names)
    assert shards.labels.dtype == files.labels.dtype
    np.testing.assert_array_equal(shards.labels, files.labels)
    for place in range(len(files)):
        (image, label), (expected, expected_label) = shards.read(place), files.read(place)
        np.testing.assert_array_equal(image, expected)
        assert label == expected_label


def test_what_a_dataset_says_of_itself_is_the_same(pair):
    one, other = (open_dataset(str(folder)) for folder in pair)
    assert (one.classes, one.mean, one.std, one.fingerprint) == (
        other.classes,
        other.mean,
        other.std,
        other.fingerprint,
    )


@pytest.mark.parametrize("view", [FixedView(8, True, 0), RandomResizedCrop(8, False, 0.08, 3)])
def test_batches_are_the_same_over_two_passes(pair, view):
    one, other = (two_passes(folder, view, workers=0) for folder in pair)
    assert_same(one, other)
    assert set(np.concatenate([batch["label"] for batch in one])) == {0, 1}


def test_worker_processes_give_the_same_batches(pair):
    view = RandomResizedCrop(8, False, 0.08, 3)
    assert_same(two_passes(pair[1], view, workers=1), two_passes(pair[0], view, workers=0))


def two_passes(folder: Path, view, *, workers: int) -> list:
    train = records(open_dataset(str(folder)).open_split("train"), view)
    stream = iter(train_batches(train, batch_size=4, seed=5, workers=workers))
    return [next(stream) for _ in range(-(-2 * len(train) // 4))]


@pytest.mark.parametrize("split", ["eval", "val"])
def test_held_out_batches_are_the_same(pair, split):
    assert_same(
        *(
            list(
                eval_batches(
                    records(open_splits(dataset, val_fraction=0.3)[split], FixedView(8, False, 0)), batch_size=3
                )
            )
            for dataset in (open_dataset(str(folder)) for folder in pair)
        )
    )


def test_plain_tfds_reads_the_set(pair):
    import tensorflow_datasets as tfds

    files = open_dataset(str(pair[0])).open_split("train")
    builder = tfds.builder_from_directory(the_set(pair[1]))
    assert builder.info.features["label"].names == ["10 mixed", "猫"]
    source = builder.as_data_source("train", decoders={"image": tfds.decode.SkipDecoding()})
    assert len(source) == len(files)
    assert builder.info.splits["train"].num_shards == len(list(the_set(pair[1]).glob("*-train.*"))) > 2
    for place, name in enumerate(files.names):
        stored = (pair[0] / "train" / name).read_bytes()
        assert source[place]["image"] == stored
        assert os.fsdecode(source[place]["file_name"]) == name.partition("/")[2]
        assert source[place]["label"] == files.labels[place]
    plain = builder.as_data_source("train")
    where = files.names.index("猫/plain.jpg")
    np.testing.assert_array_equal(plain[where]["image"], decode(kinds()["plain.jpg"]))


def test_it_is_a_tfds_source_by_name(pair, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(pair[1]))
    by_name, files = open_dataset("tfds:prepared_of_array_record"), open_dataset(str(pair[0]))
    assert by_name.classes == files.classes
    for split in ("train", "eval"):
        one, other = (records(each.open_split(split), FixedView(8, True, 0)) for each in (by_name, files))
        assert_same(list(eval_batches(one, batch_size=4)), list(eval_batches(other, batch_size=4)))


def test_it_is_prepared_again_as_tfds(pair, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(pair[1]))
    manifest = prepare("tfds:prepared_of_array_record", tmp_path / "again")
    digests = {sha256(path.read_bytes()).digest() for path in (tmp_path / "again").rglob("*/*/*.png")}
    assert sha256(kinds()["alpha.png"]).digest() in digests
    assert sum(manifest.counts["train"].values()) == len(open_dataset(str(pair[0])).open_split("train"))


def test_the_folder_may_be_renamed(shards):
    open_dataset(str(shards.rename(shards.parent / "elsewhere"))).open_split("train").read(0)


def test_tensorflow_is_not_imported(pair):
    if "tensorflow" in sys.modules:
        pytest.skip("another test has imported TensorFlow")
    open_dataset(str(pair[1])).open_split("train").read(0)
    assert "tensorflow" not in sys.modules


def test_a_damaged_record_is_named_and_can_be_left_out(shards, log):
    file = sorted(the_set(shards).glob("*-test.*"))[0]
    examples = open_dataset(str(shards)).open_split("eval")
    data = bytearray(file.read_bytes())
    data[1000:1010] = b"\0" * 10
    file.write_bytes(data)
    bad = [place for place in range(len(examples)) if not _readable(examples, place)]
    assert 0 < len(bad) < len(examples)
    name = examples.names[bad[0]]
    with pytest.raises(UsageError, match=f"cannot read the image {name}: .*hash mismatch.*on_bad_record=skip"):
        records(examples, FixedView(8, True, 0)).read(bad[0], 0)
    held = Records(examples, FixedView(8, True, 0), cache_gb=0.0, on_bad_record="skip")
    assert held.read(bad[0], 0)["mask"] == 0
    assert f"left out: {name}" in log.text


def _readable(examples, place: int) -> bool:
    try:
        examples.read(place)
    except BadImageError:
        return False
    return True


def test_a_shard_that_vanishes_is_noticed_at_the_start_and_later(shards):
    first, *_ = files = sorted(the_set(shards).glob("*-train.*"))
    examples = open_dataset(str(shards)).open_split("train")
    first.unlink()
    with pytest.raises(BadImageError, match="No such file"):
        examples.read(0)
    examples.read(len(examples) - 1)
    with pytest.raises(UsageError, match=rf"{files[0].name} is missing: .* has changed since it was prepared"):
        open_dataset(str(shards)).open_split("train")


def another_count(folder: Path) -> None:
    path = folder / "manifest.json"
    fields = json.loads(path.read_text())
    fields["counts"]["train"]["猫"] += 1
    path.write_text(json.dumps(fields))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: shutil.rmtree(the_set(folder)), r"should hold one TFDS set in \*/1\.0\.0/, but has 0"),
        (lambda folder: shutil.copytree(the_set(folder), folder / "b" / "1.0.0"), "but has 2"),
        (lambda folder: (the_set(folder) / "dataset_info.json").write_text("{"), "is damaged"),
        (lambda folder: (the_set(folder) / "features.json").unlink(), "is damaged"),
        (lambda folder: (folder / "names.json").write_text("[]"), r"names\.json is missing or damaged"),
        (
            lambda folder: (folder / "names.json").write_text('{"train": ["a"]}'),
            r"has 1 images of train in names\.json",
        ),
        (another_count, "images of train in its shards where its manifest.json says"),
    ],
)
def test_a_folder_that_changed_is_noticed(shards, spoil, why):
    spoil(shards)
    with pytest.raises(UsageError, match=why):
        open_dataset(str(shards)).open_split("train")
