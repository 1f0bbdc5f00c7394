"""The images that the input suite reads."""

import pytest

from simam_jax.benchmarking.suites.input import find_images
from simam_jax.errors import UsageError


@pytest.mark.parametrize("below", ["", "train"])
def test_class_folders_or_a_prepared_folder(tmp_path, below):
    for name in ("b/2.png", "a/1.JPG", "a/notes.txt"):
        path = tmp_path / below / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = find_images(tmp_path)
    assert (found.files, found.labels) == (("a/1.JPG", "b/2.png"), (0, 1))
    assert found.root == tmp_path / below


def test_photographs_without_data():
    found = find_images(None)
    assert (found.root / found.files[0]).is_file()
    assert set(found.labels) == {0, 1}


def test_no_images(tmp_path):
    with pytest.raises(UsageError, match="has no class folders"):
        find_images(tmp_path)
