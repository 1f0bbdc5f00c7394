"""TFDS sets that the tests write, as array_record, without TensorFlow."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simam_jax.data.decode import decode
from simam_jax.data.progress import Progress
from simam_jax.data.tfds_builder import open_image_dataset
from simam_jax.data.tfds_export import tfds_originals
from simam_jax.errors import UsageError

tfds = pytest.importorskip("tensorflow_datasets")

NAMES = ["dog", "cat/kitten", ".hidden"]


def picture(index: int, kind: str) -> io.BytesIO:
    pixels = np.random.default_rng(index).integers(0, 256, (8 + index, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    file.seek(0)  # given as encoded bytes, or TFDS would import TensorFlow to encode it
    return file


class TinyBase(tfds.core.GeneratorBasedBuilder):
    """Twelve images in train, six in each other split."""

    VERSION = tfds.core.Version("1.2.3")
    splits: tuple[str, ...] = ("train", "test")
    encoding = "png"

    def features(self):
        image = tfds.features.Image(shape=(None, None, 3), encoding_format=self.encoding)
        return {"image": image, "label": tfds.features.ClassLabel(names=NAMES)}

    def label(self, index: int) -> int:
        return index % 3

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(self.features()))

    def _split_generators(self, dl_manager):
        del dl_manager
        return {split: self._generate_examples(12 if split == "train" else 6) for split in self.splits}

    def _generate_examples(self, count):
        kinds = {"png": "PNG", "jpeg": "JPEG"}
        for index in range(count):
            example = {"image": picture(index, kinds[self.encoding]), "label": self.label(index), "extra": index}
            yield index, {key: example[key] for key in self.features()}


class TinySet(TinyBase):
    pass


class TinyJpeg(TinyBase):
    encoding = "jpeg"
    splits = ("train", "test", "validation")


class TinyTrainOnly(TinyBase):
    splits = ("train",)


class TinyTestOnly(TinyBase):
    splits = ("test",)


class TinyUnlabelled(TinyBase):
    def label(self, index):
        return -1 if index == 5 else 0


class TinyNoImage(TinyBase):
    def features(self):
        return {"extra": tfds.features.Scalar(np.int64), "label": tfds.features.ClassLabel(names=NAMES)}


class TinyTwoLabels(TinyBase):
    def features(self):
        return super().features() | {"extra": tfds.features.ClassLabel(num_classes=12)}


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch):
    """Prepares a set below `$TFDS_DATA_DIR` and gives its name."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    def prepare(builder_class) -> str:
        builder = builder_class(data_dir=str(tmp_path), file_format="array_record")
        builder.download_and_prepare()
        return builder.name

    return prepare


def test_splits_become_files_with_their_pixels(prepared):
    originals = list(tfds_originals(prepared(TinySet), Progress()))
    assert [one.split for one in originals] == ["train"] * 12 + ["eval"] * 6
    assert {one.class_name for one in originals} == {"dog", "cat_kitten", "_.hidden"}
    assert [one.name for one in originals[:2]] == ["000000.png", "000001.png"]
    found = {one.read() for one in originals if one.split == "train"}
    assert found == {picture(index, "PNG").read() for index in range(12)}
    for one in originals:
        index = next(n for n in range(12) if picture(n, "PNG").read() == one.read())
        assert one.class_name == ["dog", "cat_kitten", "_.hidden"][index % 3]


def test_other_encodings_become_png_of_the_same_pixels(prepared):
    originals = list(tfds_originals(prepared(TinyJpeg), Progress()))
    train = [one for one in originals if one.split == "train"]
    assert all(one.read().startswith(b"\x89PNG") for one in train)
    expected = {decode(picture(index, "JPEG").read()).tobytes() for index in range(12)}
    assert {decode(one.read()).tobytes() for one in train} == expected


def test_validation_comes_before_test(prepared):
    assert open_image_dataset(prepared(TinyJpeg)).splits == {"train": "train", "eval": "validation"}


def test_a_version_may_be_named(prepared):
    name = prepared(TinySet)
    assert len(list(tfds_originals(f"{name}:1.2.3", Progress()))) == 18
    with pytest.raises(UsageError, match="tiny_set:9"):
        open_image_dataset(f"{name}:9.9.9")


def test_without_a_held_out_split_the_seeds_rule_decides(prepared):
    originals = list(tfds_originals(prepared(TinyTrainOnly), Progress()))
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
def test_unfit_sets_say_why(prepared, builder_class, why):
    name = prepared(builder_class)
    with pytest.raises(UsageError, match=why):
        list(tfds_originals(name, Progress()))


def test_an_unknown_name_names_the_nearest(prepared):
    with pytest.raises(UsageError, match="no set named 'mnistt', nearest: mnist"):
        open_image_dataset("mnistt")


@pytest.mark.parametrize("name", ["", "a b", "mnist/nosuchconfig"])
def test_a_wrong_name_is_one_line(prepared, name):
    with pytest.raises(UsageError) as caught:
        open_image_dataset(name)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_prepared_says_why(prepared, monkeypatch):
    def offline(self, **_):
        raise ConnectionError("no route to host\nand more lines")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", offline)
    with pytest.raises(UsageError, match=r"tfds:mnist is not prepared below .* and cannot be now: no route to host$"):
        open_image_dataset("mnist")


def test_tensorflow_is_not_imported(prepared):
    if "tensorflow" in sys.modules:
        pytest.skip("another test has imported TensorFlow")
    next(tfds_originals(prepared(TinySet), Progress())).read()
    assert "tensorflow" not in sys.modules
