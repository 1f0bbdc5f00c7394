"""TFDS sets that the tests write, as array_record, without TensorFlow."""

import io

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

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
