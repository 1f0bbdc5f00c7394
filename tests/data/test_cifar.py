"""CIFAR's binary files become the images, classes and split that its authors meant."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from observed import Said, nothing_left

from simam_jax.data.archive import Limits
from simam_jax.data.cifar import find_cifar
from simam_jax.data.decode import decode
from simam_jax.data.origins import find_source, open_source
from simam_jax.data.preparation import prepare
from simam_jax.data.progress import Progress
from simam_jax.errors import UsageError

BATCHES = [f"data_batch_{number}.bin" for number in range(1, 6)]


def picture(number: int) -> np.ndarray:
    """Every image another, and every pixel, row, column and channel of it: uint8 (32, 32, 3)."""
    return np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def record(number: int, *labels: int) -> bytes:
    """Label bytes, then the red, the green and the blue plane, row by row."""
    return bytes(labels) + b"".join(picture(number)[..., channel].tobytes() for channel in range(3))


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    """Two images a file, images 0…11: of cats (label 1) in even places, of birds (0) in odd ones."""
    root = tmp_path / "mine" / "cifar-10-batches-bin"
    root.mkdir(parents=True)
    for place, name in enumerate([*BATCHES, "test_batch.bin"]):
        (root / name).write_bytes(record(2 * place, 1) + record(2 * place + 1, 0))
    (root / "batches.meta.txt").write_text("bird\ncat\n\n")
    (root / "readme.html").write_text("<html>")
    return root


@pytest.fixture
def cifar100(tmp_path: Path) -> Path:
    """Four images to train on, two for evaluation; the coarse label is always 1."""
    root = tmp_path / "cifar-100-binary"
    root.mkdir()
    (root / "train.bin").write_bytes(b"".join(record(number, 1, number % 2) for number in range(4)))
    (root / "test.bin").write_bytes(b"".join(record(number, 1, number % 2) for number in range(4, 6)))
    (root / "fine_label_names.txt").write_text("apple\nmaple_tree\n")
    (root / "coarse_label_names.txt").write_text("fruit\ntrees\n")
    return root


def images(source: Path, work: Path, progress: Progress | None = None) -> dict[str, np.ndarray]:
    found = open_source(find_source(str(source)), workspace=work, limits=Limits(), progress=progress or Progress())
    return {one.path: decode(one.read()) for one in found}


def test_cifar_10(cifar10, tmp_path):
    said = Said()
    found = images(cifar10, tmp_path / "work", said)
    numbers = {f"train/{'bird' if place % 2 else 'cat'}/{place:05d}.png": place for place in range(10)}
    numbers |= {"eval/cat/00000.png": 10, "eval/bird/00001.png": 11}
    assert list(found) == list(numbers)
    for path, number in numbers.items():
        np.testing.assert_array_equal(found[path], picture(number))
    assert said.messages == [f"{cifar10} is CIFAR-10 in its binary version and keeps its split"]


def test_cifar_100_has_its_fine_labels(cifar100, tmp_path):
    found = images(cifar100, tmp_path / "work")
    numbers = {f"train/{'maple_tree' if place % 2 else 'apple'}/{place:05d}.png": place for place in range(4)}
    numbers |= {"eval/apple/00000.png": 4, "eval/maple_tree/00001.png": 5}
    assert list(found) == list(numbers)
    for path, number in numbers.items():
        np.testing.assert_array_equal(found[path], picture(number))


def test_the_folders_name_does_not_matter_nor_whether_it_is_packed(cifar10, tmp_path):
    plain = images(cifar10, tmp_path / "work")
    assert images(cifar10.parent, tmp_path / "work").keys() == plain.keys()
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(cifar10, "some/folder")
    assert images(tmp_path / "set.tar.gz", tmp_path / "work").keys() == plain.keys()


def test_a_folder_of_classes_is_no_cifar(tmp_path):
    (tmp_path / "ant").mkdir()
    (tmp_path / "train.bin").write_bytes(b"")
    assert find_cifar(tmp_path) is None


def test_it_is_prepared_whole(cifar10, out):
    manifest = prepare(str(cifar10), out)
    assert manifest.classes == ("bird", "cat")
    assert manifest.counts == {"train": {"bird": 5, "cat": 5}, "eval": {"bird": 1, "cat": 1}}
    np.testing.assert_array_equal(decode((out / "train" / "cat" / "00008.png").read_bytes()), picture(8))
    pixels = np.stack([picture(number) for number in range(10)]) / 255
    np.testing.assert_allclose(manifest.mean, pixels.mean((0, 1, 2)), rtol=1e-12)


def cut(root: Path) -> None:
    (root / "data_batch_2.bin").write_bytes(record(2, 1) + record(3, 0)[:-1])


def empty(root: Path) -> None:
    (root / "test_batch.bin").write_bytes(b"")


def unlabelled(root: Path) -> None:
    (root / "data_batch_3.bin").write_bytes(record(4, 1) + record(5, 2))


def without(*names: str):
    def remove(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return remove


def named(text: str):
    return lambda root: (root / "batches.meta.txt").write_text(text)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (
            cut,
            r"data_batch_2\.bin of .*bin has 6,145 bytes, .* no multiple of a record's 3,073: it is cut short, or not",
        ),
        (empty, r"test_batch\.bin of .* has 0 bytes"),
        (unlabelled, r"record 1 of data_batch_3\.bin of .* has the label 2, but batches\.meta\.txt names 2 classes"),
        (without("data_batch_4.bin"), r"looks like CIFAR-10 in its binary version, but lacks data_batch_4\.bin$"),
        (without("test_batch.bin", "batches.meta.txt"), r"lacks test_batch\.bin, batches\.meta\.txt$"),
        (named("bird\n../cat\n"), r"should name a class a line, fit for a folder, but has '\.\./cat'"),
        (named("bird\n.cat\n"), "but has '.cat'"),
        (named("bird\nbird\n"), "but repeats one"),
        (named("\n"), "but is empty"),
    ],
)
def test_what_will_not_do_says_why_and_leaves_nothing(cifar10, out, damage, why):
    damage(cifar10)
    with pytest.raises(UsageError, match=why):
        prepare(str(cifar10), out)
    assert nothing_left(out)
