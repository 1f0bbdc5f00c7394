"""TFDS sets become files."""

import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tiny_tfds import NAMES, TinyBase, TinyJpeg, TinySet, TinyTestOnly, TinyTrainOnly, TinyUnlabelled, picture

from simam_jax.data.decode import decode
from simam_jax.data.progress import Progress
from simam_jax.data.tfds_builder import open_image_dataset
from simam_jax.data.tfds_export import tfds_originals
from simam_jax.errors import UsageError


class TinyNoImage(TinyBase):
    def features(self):
        return {"extra": tfds.features.Scalar(np.int64), "label": tfds.features.ClassLabel(names=NAMES)}


class TinyTwoLabels(TinyBase):
    def features(self):
        return super().features() | {"extra": tfds.features.ClassLabel(num_classes=12)}


def test_splits_become_files_with_their_pixels(prepared_tfds):
    originals = list(tfds_originals(prepared_tfds(TinySet), Progress()))
    assert [one.split for one in originals] == ["train"] * 12 + ["eval"] * 6
    assert {one.class_name for one in originals} == {"dog", "cat_kitten", "_.hidden"}
    assert [one.name for one in originals[:2]] == ["000000.png", "000001.png"]
    found = {one.read() for one in originals if one.split == "train"}
    assert found == {picture(index, "PNG").read() for index in range(12)}
    for one in originals:
        index = next(n for n in range(12) if picture(n, "PNG").read() == one.read())
        assert one.class_name == ["dog", "cat_kitten", "_.hidden"][index % 3]


def test_other_encodings_become_png_of_the_same_pixels(prepared_tfds):
    originals = list(tfds_originals(prepared_tfds(TinyJpeg), Progress()))
    train = [one for one in originals if one.split == "train"]
    assert all(one.read().startswith(b"\x89PNG") for one in train)
    expected = {decode(picture(index, "JPEG").read()).tobytes() for index in range(12)}
    assert {decode(one.read()).tobytes() for one in train} == expected


def test_validation_comes_before_test(prepared_tfds):
    assert open_image_dataset(prepared_tfds(TinyJpeg)).splits == {"train": "train", "eval": "validation"}


def test_a_version_may_be_named(prepared_tfds):
    name = prepared_tfds(TinySet)
    assert len(list(tfds_originals(f"{name}:1.2.3", Progress()))) == 18
    with pytest.raises(UsageError, match="tiny_set:9"):
        open_image_dataset(f"{name}:9.9.9")


def test_without_a_held_out_split_the_seeds_rule_decides(prepared_tfds):
    originals = list(tfds_originals(prepared_tfds(TinyTrainOnly), Progress()))
    assert [one.split for one in originals] == [None] * 12


@pytest.mark.parametrize(
    ("builder_class", "why"),
    [
        (TinyTestOnly, "no split named train, only test"),
        (TinyUnlabelled, "no label for record"),
        (TinyNoImage, "no set of labelled images: its records hold extra, label"),
        (TinyTwoLabels, "no set of labelled images"),
    ],
)
def test_unfit_sets_say_why(prepared_tfds, builder_class, why):
    name = prepared_tfds(builder_class)
    with pytest.raises(UsageError, match=why):
        list(tfds_originals(name, Progress()))


def test_an_unknown_name_names_the_nearest(prepared_tfds):
    with pytest.raises(UsageError, match="no set named 'mnistt', nearest: mnist"):
        open_image_dataset("mnistt")


@pytest.mark.parametrize("name", ["", "a b", "mnist/nosuchconfig"])
def test_a_wrong_name_is_one_line(prepared_tfds, name):
    with pytest.raises(UsageError) as caught:
        open_image_dataset(name)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_prepared_says_why(prepared_tfds, monkeypatch):
    def offline(self, **_):
        raise ConnectionError("no route to host\nand more lines")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", offline)
    with pytest.raises(UsageError, match=r"tfds:mnist is not prepared below .* and cannot be now: no route to host$"):
        open_image_dataset("mnist")


def test_tensorflow_is_not_imported(prepared_tfds):
    if "tensorflow" in sys.modules:
        pytest.skip("another test has imported TensorFlow")
    next(tfds_originals(prepared_tfds(TinySet), Progress())).read()
    assert "tensorflow" not in sys.modules
