"""Every map is drawn, with its caption, and all on one sheet."""

import json

import numpy as np
import pytest
from PIL import Image

from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.explanation_files import write_pictures
from simam_jax.reporting.explanation_pictures import draw_maps, draw_sheet
from simam_jax.reporting.heatmap_cell import font, shortened
from simam_jax.reporting.prediction import Guess


def explanation(stages: int = 2, **changes) -> Explanation:
    random = np.random.default_rng(0)
    names = [f"layer{n}/attention" for n in range(stages)]
    maps = {
        "grad_cams": {"last": random.random((3, 3), np.float32), "layer0/conv": random.random((6, 6), np.float32)},
        "gates": {name: 0.6225 + 0.2 * random.random((4, 4), np.float32) for name in names},
        "inverse_energies": {name: 0.5 + random.random((4, 4), np.float32) for name in names},
    }
    return Explanation(Guess("cat", 0.9), Guess("dog", 0.1), **{**maps, **changes})


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)


def test_one_picture_a_map(picture):
    drawn = dict(draw_maps(picture, explanation()))
    assert list(drawn) == [
        *(("grad_cam", layer) for layer in ("last", "layer0/conv")),
        *((kind, f"layer{n}/attention") for kind in ("gate", "energy") for n in range(2)),
    ]
    assert len({each.size for each in drawn.values()}) == 1
    assert len({each.tobytes() for each in drawn.values()}) == len(drawn)


def test_the_sheet_is_as_wide_as_its_longest_row_up_to_six(picture):
    widths = [draw_sheet(picture, explanation(stages), name="x").width for stages in (0, 3, 4, 6, 13)]
    assert widths[0] == widths[1] < widths[2] < widths[3] == widths[4]
    heights = [draw_sheet(picture, explanation(stages), name="x").height for stages in (0, 6, 7, 13)]
    one_row = heights[1] - heights[0]
    assert np.diff(heights).tolist() == [one_row, one_row, one_row]


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (3, 2000), (8, 8)])
def test_pictures_of_any_shape(size):
    picture = np.full((*size, 3), 90, np.uint8)
    sheet = draw_sheet(picture, explanation(), name="x" * 3000)
    assert sheet.width < 1500


def test_maps_without_contrast_have_the_low_colour(picture):
    flat = explanation(
        grad_cams={"last": np.zeros((2, 2), np.float32)},
        gates={"a": np.full((1, 1), 0.62245935, np.float32)},
        inverse_energies={"a": np.full((1, 1), 0.5, np.float32)},
    )
    drawn = dict(draw_maps(np.full_like(picture, 77), flat))
    assert len(drawn) == 3
    for each in drawn.values():
        # The scale's first colour.
        assert each.getpixel((each.width // 2, each.height // 2)) == pytest.approx((68, 1, 84), abs=1)


def test_maps_that_are_not_finite_are_noticed():
    assert explanation().finite
    assert not explanation(gates={"a": np.array([[np.nan]], np.float32)}).finite
    assert not explanation(grad_cams={"a": np.array([[np.inf]], np.float32)}).finite


def test_a_line_that_is_too_long_keeps_its_ends():
    assert shortened("layer1", 200, 12) == "layer1"
    line = shortened("layer1_0/" + "x" * 100 + "/attention, 8x8", 200, 12)
    assert line.startswith("layer1")
    assert line.endswith("attention, 8x8")
    assert "…" in line
    assert font(12).getlength(line) <= 200


def test_every_sign_that_is_drawn_is_in_the_typeface():
    missing = font(14).getmask("\uffff")
    for sign in set("Grad-CAM: SimAM gate, 1/e* 0.6225 16x16 … % @_#"):
        if sign != " ":
            mask = font(14).getmask(sign)
            assert (mask.size, bytes(mask)) != (missing.size, bytes(missing)), sign


def test_files(picture, tmp_path):
    names = write_pictures(tmp_path, picture, explanation(1), name="cat.png")
    assert names == [
        "sheet.png",
        "image.png",
        "grad_cam-last.png",
        "grad_cam-layer0.conv.png",
        "gate-layer0.attention.png",
        "energy-layer0.attention.png",
    ]
    assert sorted([*names, "description.json"]) == sorted(path.name for path in tmp_path.iterdir())
    described = json.loads((tmp_path / "description.json").read_text())
    assert described["image"] == "cat.png"
    assert set(described) == {"image", "answer", "probability", "explained", "maps"}
    assert [each["file"] for each in described["maps"]] == names[2:]
    assert described["maps"][1] == {
        "file": "grad_cam-layer0.conv.png", "kind": "grad_cam", "layer": "layer0/conv", "size": [6, 6]
    }  # fmt: skip
    for name in names:
        with Image.open(tmp_path / name) as image:
            image.load()
            assert (image.format, image.mode) == ("PNG", "RGB")
