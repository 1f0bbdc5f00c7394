"""TFDS sets are read in place, as training reads them."""

import sys

import numpy as np
import pytest
from tiny_tfds import TinyJpeg, TinySet, TinyTrainOnly, TinyUnlabelled, picture

from simam_jax.data.dataset import open_dataset, open_splits
from simam_jax.data.decode import BadImageError, decode
from simam_jax.data.pipeline import eval_batches, train_batches
from simam_jax.data.records import Records
from simam_jax.data.view import FixedView
from simam_jax.errors import UsageError


def records(examples) -> Records:
    return Records(examples, FixedView(8, False, 0), cache_gb=0.0, on_bad_record="fail")


def test_records_are_the_sets_own(prepared_tfds):
    dataset = open_dataset(f"tfds:{prepared_tfds(TinySet)}")
    assert dataset.classes == ("dog", "cat_kitten", "_.hidden")
    train, held_out = dataset.open_split("train"), dataset.open_split("eval")
    assert (len(train), len(held_out)) == (12, 6)
    assert held_out.names[0] == "test/0"
    by_pixels = {decode(picture(index, "PNG").read()).tobytes(): index % 3 for index in range(12)}
    read = [train.read(place) for place in range(12)]
    assert {image.tobytes(): label for image, label in read} == by_pixels
    assert train.labels.tolist() == [label for _, label in read]


def test_statistics_are_those_of_the_training_pixels(prepared_tfds):
    dataset = open_dataset(f"tfds:{prepared_tfds(TinySet)}")
    pixels = np.concatenate([decode(picture(index, "PNG").read()).reshape(-1, 3) for index in range(12)]) / 255
    np.testing.assert_allclose(dataset.mean, pixels.mean(0), rtol=1e-6)
    np.testing.assert_allclose(dataset.std, pixels.std(0), rtol=1e-6)


def test_an_epoch_holds_every_record_once(prepared_tfds):
    dataset = open_dataset(f"tfds:{prepared_tfds(TinySet)}")
    splits = open_splits(dataset, val_fraction=0.0)
    share = {"process_index": 0, "process_count": 1}
    stream = iter(train_batches(records(splits["train"]), batch_size=4, seed=3, start_step=0, workers=0, **share))
    labels = np.concatenate([next(stream)["label"] for _ in range(3)])
    assert np.bincount(labels).tolist() == [4, 4, 4]
    held_out = list(eval_batches(records(splits["eval"]), batch_size=4, **share))
    assert sum(batch["mask"].sum() for batch in held_out) == 6


def test_validation_is_cut_by_label(prepared_tfds):
    splits = open_splits(open_dataset(f"tfds:{prepared_tfds(TinySet)}"), val_fraction=0.25)
    assert np.bincount(splits["val"].labels).tolist() == [1, 1, 1]
    assert len(splits["train"]) == 9


def test_the_fingerprint_is_the_sets(prepared_tfds):
    one, other = (open_dataset(f"tfds:{prepared_tfds(each)}") for each in (TinySet, TinyJpeg))
    assert one.fingerprint == open_dataset("tfds:tiny_set").fingerprint
    assert one.fingerprint != other.fingerprint


def test_nothing_to_evaluate_on_names_the_way_out(prepared_tfds):
    name = prepared_tfds(TinyTrainOnly)
    with pytest.raises(UsageError, match=f"simam_jax.prepare --source tfds:{name} --out DIR"):
        open_dataset(f"tfds:{name}")


def test_a_record_without_a_label_is_named(prepared_tfds):
    examples = open_dataset(f"tfds:{prepared_tfds(TinyUnlabelled)}").open_split("train")
    place = int(np.flatnonzero(examples.labels < 0)[0])
    with pytest.raises(BadImageError, match="no label"):
        examples.read(place)
    with pytest.raises(UsageError, match=f"cannot read the image train/{place}: it has no label"):
        records(examples).read(place, place)


def shards(folder, split: str):
    return sorted(folder.glob(f"tiny_set/*/*-{split}.array_record-*"))


def test_a_torn_record_is_named_and_can_be_left_out(prepared_tfds, tmp_path, log):
    name = prepared_tfds(TinySet)
    labels = open_dataset(f"tfds:{name}").open_split("train").labels
    (file,) = shards(tmp_path, "train")
    data = bytearray(file.read_bytes())
    data[1000:1010] = b"\0" * 10
    file.write_bytes(data)
    examples = open_dataset(f"tfds:{name}").open_split("train")
    bad = [place for place in range(len(examples)) if not readable(examples, place)]
    assert 0 < len(bad) < len(examples)
    with pytest.raises(UsageError, match=f"cannot read the label of train/{bad[0]}: "):
        _ = examples.labels
    vars(examples)["labels"] = labels  # else the check of types, which the tests have, reads them
    with pytest.raises(UsageError, match=f"cannot read the image train/{bad[0]}: .*on_bad_record=skip"):
        records(examples).read(bad[0], 0)
    held = Records(examples, FixedView(8, False, 0), cache_gb=0.0, on_bad_record="skip")
    assert held.read(bad[0], 0)["mask"] == 0
    assert f"left out: train/{bad[0]}" in log.text


def test_a_shard_that_vanishes_is_a_bad_record(prepared_tfds, tmp_path):
    examples = open_dataset(f"tfds:{prepared_tfds(TinySet)}").open_split("eval")
    shards(tmp_path, "test")[0].unlink()
    with pytest.raises(BadImageError, match="No such file"):
        examples.read(0)


def readable(examples, place: int) -> bool:
    try:
        examples.read(place)
    except BadImageError:
        return False
    return True


def test_tensorflow_is_not_imported_to_read(prepared_tfds):
    if "tensorflow" in sys.modules:
        pytest.skip("another test has imported TensorFlow")
    open_dataset(f"tfds:{prepared_tfds(TinySet)}").open_split("train").read(0)
    assert "tensorflow" not in sys.modules
