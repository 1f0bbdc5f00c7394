"""What of an image a network sees."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from simam_jax.data.decode import BadImageError, resize
from simam_jax.data.view import FixedView, RandomResizedCrop, eval_view, random_rectangle, train_view

SIDES = st.integers(1, 300)
DATA = {"image_size": 224, "antialias": True, "resize_to": 256, "random_resized_crop": 0.08, "cache_gb": 1.0}


def gradient(height: int, width: int) -> np.ndarray:
    """Rows in the red channel, columns in the green one."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.stack([rows % 256, columns % 256, np.zeros_like(rows)], -1).astype(np.uint8)


@pytest.mark.parametrize("antialias", [False, True])
def test_the_seeds_view_squeezes(antialias):
    image = gradient(50, 80)
    np.testing.assert_array_equal(FixedView(32, antialias, 0)(image), resize(image, 32, antialias=antialias))


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [(256, 256, 16, 16), (256, 299, 16, 38), (301, 256, 38, 16), (256, 297, 16, 36)],
)
def test_a_centre_is_cut_as_torchvision_cuts_it(height, width, rows, columns):
    """Of an image that needs no resizing, so that its pixels say where they were; halves are rounded to even."""
    seen = FixedView(224, True, 256)(gradient(height, width))
    assert seen.shape == (224, 224, 3)
    assert tuple(seen[0, 0, :2]) == (rows, columns)


@pytest.mark.parametrize(
    ("height", "width", "size"), [(375, 500, (256, 341)), (640, 427, (383, 256)), (8, 8, (256, 256))]
)
def test_the_shorter_side_is_resized_and_the_shape_kept(height, width, size):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    resized = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))
    seen = FixedView(224, True, 256)(image)
    top, left = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    np.testing.assert_array_equal(seen, resized[top : top + 224, left : left + 224])


def test_an_image_too_narrow_to_be_resized_is_a_bad_one():
    with pytest.raises(BadImageError, match="too narrow: 2000×1 pixels"):
        FixedView(224, True, 256)(gradient(1, 2000))


@given(SIDES, SIDES, st.sampled_from([0.0001, 0.08, 1.0]), st.integers(0, 2**32))
def test_rectangles_lie_within_the_image_and_keep_their_bounds(height, width, least_area, seed):
    rows, columns = random_rectangle(np.random.default_rng(seed), height, width, least_area=least_area)
    assert 0 <= rows.start < rows.stop <= height
    assert 0 <= columns.start < columns.stop <= width
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    # To half a pixel either way, or the largest that fits.
    assert (wide - 0.5) / (high + 0.5) <= 4 / 3
    assert (high - 0.5) / (wide + 0.5) <= 4 / 3
    is_centred = (rows.start, columns.start) == ((height - high) // 2, (width - wide) // 2)
    is_largest = high == height or wide == width
    assert (high + 0.5) * (wide + 0.5) >= least_area * height * width or (is_centred and is_largest)


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [(10, 1000, (0, 10), (493, 506)), (1000, 12, (492, 508), (0, 12)), (1, 1, (0, 1), (0, 1))],
)
def test_where_nothing_fits_it_is_the_centre(height, width, rows, columns):
    found = random_rectangle(np.random.default_rng(0), height, width, least_area=0.9)
    assert [(each.start, each.stop) for each in found] == [rows, columns]


def test_areas_and_shapes_are_spread_as_the_recipe_says():
    rng = np.random.default_rng(0)
    found = [random_rectangle(rng, 600, 800, least_area=0.08) for _ in range(4000)]
    sides = np.array([[rows.stop - rows.start, columns.stop - columns.start] for rows, columns in found])
    # Small ones always fit, so that of them nothing is lost to the ten tries.
    areas = sides.prod(1) / (600 * 800)
    small = areas[areas < 0.5]
    np.testing.assert_allclose(np.quantile(small, [0.25, 0.5, 0.75]), [0.185, 0.29, 0.395], atol=0.015)
    logs = np.log(sides[areas < 0.5, 1] / sides[areas < 0.5, 0]) / math.log(4 / 3)
    np.testing.assert_allclose(np.quantile(logs, [0.25, 0.5, 0.75]), [-0.5, 0, 0.5], atol=0.06)


def test_a_random_view_is_a_function_of_seed_and_place():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    view = RandomResizedCrop(16, antialias=True, least_area=0.08, seed=3)
    seen = [view(image, index).tobytes() for index in range(50)]
    assert [view(image, index).tobytes() for index in reversed(range(50))] == seen[::-1]
    assert len(set(seen)) == 50
    other = RandomResizedCrop(16, antialias=True, least_area=0.08, seed=4)
    assert not set(seen) & {other(image, index).tobytes() for index in range(50)}


def test_later_versions_cut_the_same_rectangles():
    """Or runs could not go on."""
    found = [random_rectangle(np.random.default_rng([7, 1, index]), 375, 500, least_area=0.08) for index in range(3)]
    assert [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in found] == [
        (72, 313, 130, 328),
        (7, 373, 12, 405),
        (97, 338, 109, 362),
    ]


def test_a_config_says_what_is_seen():
    assert eval_view(**DATA) == FixedView(224, True, 256)
    assert train_view(seed=5, **DATA) == RandomResizedCrop(224, True, 0.08, 5)
    assert train_view(seed=5, **{**DATA, "random_resized_crop": 0.0}) == eval_view(**DATA)


@pytest.mark.parametrize(
    ("field", "value"),
    [("image_size", 0), ("resize_to", 223), ("random_resized_crop", -0.1), ("random_resized_crop", 1.1)],
)
def test_wrong_fields_are_named(field, value):
    with pytest.raises(ValueError, match=f"{field} .* got {value}"):
        train_view(seed=0, **{**DATA, field: value})
