"""Pictures for a study's page, drawn from a real run."""

import json

import pytest
from tiny_run import CLASSES

from simam_jax.errors import UsageError
from simam_jax.studies.explanations import example_images, explain


def test_every_image_is_explained_by_its_own_class_and_leftovers_are_cleared(tiny_run, tmp_path):
    folder = tmp_path / "explanations" / "towernet-simam"
    left = folder.with_name(f".{folder.name}.partial-0123") / "08"
    left.mkdir(parents=True)  # as a process that was killed leaves it
    explain(tiny_run.path, folder, example_images(tiny_run.data, CLASSES))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    described = [json.loads(path.read_text()) for path in folder.glob("*/description.json")]
    assert sorted(each["explained"] for each in described) == sorted(CLASSES)
    assert all(f"/{each['explained']}/" in each["image"] for each in described)


def test_hidden_files_are_no_examples(tmp_path):
    for name in ("cats/.DS_Store", "cats/2.png", "cats/1.png", "dogs/.DS_Store"):
        (tmp_path / "eval" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "eval" / name).touch()
    assert example_images(tmp_path, ["cats", "dogs", "fish"]) == [tmp_path / "eval" / "cats" / "1.png"]


def test_where_nothing_can_be_drawn_there_is_no_folder(tiny_run, tmp_path):
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / "cut.png").write_bytes(b"no image")
    with pytest.raises(UsageError, match=r"no image can be drawn: .*cut\.png: "):
        explain(tiny_run.path, tmp_path / "pictures", [tmp_path / "zero" / "cut.png"])
    assert not (tmp_path / "pictures").exists()
