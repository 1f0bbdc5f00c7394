import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from simam_jax.data.caltech101 import CLASSES_16, SEED_MEAN
from simam_jax.data.dataset import open_dataset, open_splits
from simam_jax.data.preparation import prepare
from simam_jax.data.subset import Subset
from simam_jax.errors import UsageError


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "digits"
    prepare("digits", folder, classes="0,1")
    return folder


def test_a_prepared_folder_opens(digits):
    dataset = open_dataset(str(digits))
    assert dataset.classes == ("0", "1")
    manifest = json.loads((digits / "manifest.json").read_text())
    assert list(dataset.mean) == manifest["mean"]
    train = dataset.open_split("train")
    image, label = train.read(0)
    assert (image.shape, image.dtype, label) == ((8, 8, 3), np.uint8, 0)
    assert train.names[0].startswith("0/")
    assert len(train) == sum(manifest["counts"]["train"].values())


def test_the_seeds_classes_take_the_seeds_constants(digits, tmp_path):
    folder = tmp_path / "sixteen"
    shutil.copytree(digits, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["classes"] = list(CLASSES_16)
    manifest["counts"] = {split: dict.fromkeys(CLASSES_16, 0) for split in ("train", "eval")}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert open_dataset(str(folder)).mean == SEED_MEAN


def test_validation_is_cut_on_demand(digits):
    splits = open_splits(open_dataset(str(digits)), val_fraction=0.25)
    assert set(splits) == {"train", "eval", "val"}
    assert isinstance(splits["val"], Subset)


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_impossible_fractions_are_refused(digits, fraction):
    with pytest.raises(UsageError, match="val_fraction"):
        open_splits(open_dataset(str(digits)), val_fraction=fraction)


def test_a_file_that_vanishes_moves_no_other_and_one_that_is_new_is_not_seen(digits, tmp_path):
    folder = Path(shutil.copytree(digits, tmp_path / "changed"))
    before = open_dataset(str(digits)).open_split("train")
    gone = sorted((folder / "train" / "0").iterdir())[3]
    gone.rename(gone.with_name("another.png"))
    after = open_dataset(str(folder)).open_split("train")
    assert list(after.names) == list(before.names)
    np.testing.assert_array_equal(after.labels, before.labels)
    place = list(after.names).index(f"0/{gone.name}")
    with pytest.raises(FileNotFoundError):
        after.read(place)
    for other in {*range(len(after))} - {place}:
        np.testing.assert_array_equal(after.read(other)[0], before.read(other)[0])


def test_an_older_folder_is_listed_and_its_changes_are_noticed(digits, tmp_path):
    folder = Path(shutil.copytree(digits, tmp_path / "older"))
    (folder / "names.json").unlink()
    for split in ("train", "eval"):
        older, newer = (open_dataset(str(each)).open_split(split) for each in (folder, digits))
        assert list(older.names) == list(newer.names)
        np.testing.assert_array_equal(older.labels, newer.labels)
    next((folder / "eval" / "1").iterdir()).unlink()
    with pytest.raises(UsageError, match="the folder has changed since it was prepared"):
        open_dataset(str(folder)).open_split("eval")


@pytest.mark.parametrize(
    ("names", "why"), [("{", "is missing or damaged"), ('{"train": ["0/a"]}', r"has 1 images of train in names\.json")]
)
def test_damaged_names_are_noticed(digits, tmp_path, names, why):
    folder = Path(shutil.copytree(digits, tmp_path / "damaged"))
    (folder / "names.json").write_text(names)
    with pytest.raises(UsageError, match=why):
        open_dataset(str(folder)).open_split("train")


def test_a_missing_folder_names_the_command(tmp_path):
    with pytest.raises(UsageError, match=r"python -m simam_jax\.prepare"):
        open_dataset(str(tmp_path / "nothing"))
