"""Pictures appear whole, in an image's own shape, or not at all."""

import json

import numpy as np
import pytest
from PIL import Image

from simam_jax.data.view import FixedView
from simam_jax.errors import UsageError
from simam_jax.explain.visualization import visualize
from simam_jax.inference.inputs import Input
from simam_jax.reporting import explanation_files


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return Input(str(path))


@pytest.mark.parametrize(("resize_to", "height"), [(0, 256), (150, 384)], ids=["squeezed", "centre"])
def test_a_picture_has_the_shape_of_what_the_network_sees(explainer, photo, tmp_path, resize_to, height):
    (found,) = visualize(explainer, FixedView(128, False, resize_to), [photo], tmp_path / "out")
    assert found.error == ""
    assert all(file.is_file() for file in found.files)
    with Image.open(tmp_path / "out" / "photo" / "gate-attention3.png") as drawn:
        frame = drawn.height - height
        assert 0 < frame < 128  # captions, scale and margins
        assert drawn.width == 384 + 32


def test_more_images_than_are_computed_at_once_keep_their_order(explainer, photo, tmp_path):
    inputs = [photo, Input("gone", problem="no such file or directory"), *[photo] * explainer.batch_size]
    found = list(visualize(explainer, FixedView(128, False, 0), inputs, tmp_path / "out"))
    assert [each.error for each in found] == ["", "no such file or directory", *[""] * explainer.batch_size]
    assert len({file for each in found for file in each.files}) == 12 * (1 + explainer.batch_size)


def test_every_image_may_be_explained_by_a_class_of_its_own(explainer, photo, tmp_path):
    inputs = [photo, Input("gone", problem="no such file"), photo]
    found = list(visualize(explainer, FixedView(128, False, 0), inputs, tmp_path, classes=["zero", "one", "one"]))
    assert [each.error for each in found] == ["", "no such file", ""]
    described = [json.loads((tmp_path / name / "description.json").read_text()) for name in ("photo", "photo_2")]
    assert [each["explained"] for each in described] == ["zero", "one"]
    with pytest.raises(UsageError, match="no class 'two'"):
        visualize(explainer, FixedView(128, False, 0), [photo], tmp_path / "o", classes=["two"])
    assert not (tmp_path / "o").exists()


def test_what_is_interrupted_leaves_nothing(explainer, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(explanation_files, "draw_sheet", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(visualize(explainer, FixedView(128, False, 0), [photo], tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("make", ["mkdir", "touch", "symlink"])
def test_what_is_there_already_is_not_overwritten(explainer, photo, tmp_path, make):
    there = tmp_path / "out" / "photo"
    there.parent.mkdir()
    if make == "symlink":
        there.symlink_to(tmp_path / "nowhere")
    else:
        getattr(there, make)()
    with pytest.raises(UsageError, match="is there already: take another --out, or move it away"):
        visualize(explainer, FixedView(128, False, 0), [photo], tmp_path / "out")
