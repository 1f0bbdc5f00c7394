"""Images made worse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from simam_jax.data.corruption import CORRUPTIONS, STRENGTHS, blur, contrast, corrupt, jpeg, noise, rotate
from simam_jax.data.decode import decode, resize

NAMES = list(CORRUPTIONS)


def scene(side: int = 128) -> np.ndarray:
    """Smooth hills, an edge and fine texture, in three different channels."""
    rows, columns = np.mgrid[:side, :side] / side
    hills = 0.5 + 0.3 * np.sin(7 * rows + 3 * columns)
    edge = np.where(columns + 0.4 * rows > 0.7, 0.9, 0.2)
    texture = 0.5 + 0.25 * np.sin(side / 2.5 * rows) * np.cos(side / 3 * columns)
    return np.rint(255 * np.stack([hills, edge, texture], -1)).astype(np.uint8)


def damage(image: np.ndarray, worse: np.ndarray) -> float:
    return float(np.abs(image.astype(float) - worse).mean())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(128, 128, 3), (256, 200, 3), (1, 1, 3), (1, 40, 3), (3, 2, 3)])
def test_shape_and_type_stay_and_the_image_is_left_alone(name, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    for strength in STRENGTHS:
        worse = corrupt(image, name, strength, index=5)
        assert (worse.shape, worse.dtype) == (shape, np.uint8)
        assert worse.flags.writeable
        assert not np.shares_memory(worse, image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [32, 128, 256])
def test_damage_grows_with_strength(name, side):
    image = scene(side)
    found = [damage(image, corrupt(image, name, strength, index=5)) for strength in STRENGTHS]
    assert 0 < found[0] < found[1] < found[2]


@pytest.mark.parametrize("name", NAMES)
def test_damage_grows_with_strength_on_photographs(name, photographs):
    files = [sorted(folder.iterdir())[0] for folder in sorted(photographs.iterdir())]
    images = [resize(decode(file.read_bytes()), 128, antialias=True) for file in files]
    found = np.array([[damage(image, corrupt(image, name, s, index=0)) for s in STRENGTHS] for image in images])
    assert len(found) == 16
    assert (np.diff(found.mean(0)) > 0.5).all()
    # A photograph on white may hide a larger angle, or a car a stronger blur.
    assert (np.diff(found, axis=1) > 0).mean() > 0.9


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32))
@settings(max_examples=30)
def test_in_the_limit_nothing_changes(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    silent = noise(image, 0.0, np.random.default_rng(0))
    for same in (blur(image, 0.0), contrast(image, 1.0), silent, rotate(image, 0.0)):
        np.testing.assert_array_equal(same, image)
    np.testing.assert_array_equal(blur(image, 1e-3), image)


def test_at_the_best_quality_little_changes():
    hills = scene()[..., :1].repeat(3, -1)
    assert np.abs(jpeg(hills, 100).astype(int) - hills).max() <= 2


@pytest.mark.parametrize(("side", "sigma"), [(224, 2.0), (56, 1.0), (126, 1.5)])
def test_blur_is_a_gaussian_that_widens_with_the_root_of_the_side(side, sigma):
    image = scene(side)
    expected = gaussian_filter(image.astype(float), (sigma, sigma, 0), mode="nearest")
    np.testing.assert_allclose(blur(image, 2.0).astype(float), expected, atol=2)


def test_noise_has_the_deviation_it_says():
    grey = np.full((256, 256, 3), 128, np.uint8)
    for name_strength, std in zip(STRENGTHS, (0.08, 0.12, 0.18), strict=True):
        worse = corrupt(grey, "noise", name_strength, index=0).astype(float)
        assert worse.std() == pytest.approx(255 * std, rel=0.02)
        assert worse.mean() == pytest.approx(128, abs=0.5)
    channels = np.corrcoef((corrupt(grey, "noise", 1, index=0).reshape(-1, 3) - 128.0).T)
    assert np.abs(channels - np.eye(3)).max() < 0.02


def test_contrast_keeps_the_mean_and_a_fraction_of_the_deviation():
    image = scene()
    for strength, kept in zip(STRENGTHS, (0.4, 0.2, 0.1), strict=True):
        worse = corrupt(image, "contrast", strength, index=0).astype(float)
        np.testing.assert_allclose(worse.mean((0, 1)), image.mean((0, 1)), atol=0.5)
        np.testing.assert_allclose(worse.std((0, 1)), kept * image.std((0, 1)), atol=0.5)


def test_rotation_turns_about_the_centre():
    """By a quarter turn pixel for pixel; by 45° a corner comes from outside and the centre stays."""
    image = np.random.default_rng(0).integers(1, 256, (65, 65, 3), dtype=np.uint8)
    np.testing.assert_array_equal(rotate(image, 90.0), np.rot90(image))
    turned = rotate(image, 45.0)
    np.testing.assert_array_equal(turned[32, 32], image[32, 32])
    assert not turned[[0, 0, -1, -1], [0, -1, 0, -1]].any()


def test_it_is_a_function_of_seed_and_place():
    image = scene(64)
    for name in NAMES:
        seen = [corrupt(image, name, 2, index=index).tobytes() for index in range(12)]
        assert [corrupt(image, name, 2, index=index).tobytes() for index in reversed(range(12))] == seen[::-1]
        other = [corrupt(image, name, 2, index=index, seed=1).tobytes() for index in range(12)]
        # Noise has no two alike, rotation two directions, and the others nothing random.
        assert len(set(seen)) == {"noise": 12, "rotation": 2}.get(name, 1)
        assert (seen == other) == (name not in ("noise", "rotation"))


def test_more_noise_is_the_same_noise():
    grey = np.full((64, 64, 3), 128, np.uint8)
    weak, strong = (corrupt(grey, "noise", strength, index=3).ravel() - 128.0 for strength in (1, 2))
    assert np.corrcoef(weak, strong)[0, 1] > 0.99


def test_later_versions_draw_the_same():
    """Or figures of a study that goes on would mix two noises."""
    grey = np.full((2, 2, 3), 128, np.uint8)
    assert corrupt(grey, "noise", 3, index=7).ravel().tolist() == [
        100,
        162,
        150,
        62,
        155,
        66,
        171,
        178,
        113,
        167,
        97,
        161,
    ]
    seen = [corrupt(scene(16), "rotation", 1, index=index) for index in range(6, 14)]
    turns = [bool((each == rotate(scene(16), 15.0)).all()) for each in seen]
    assert turns == [True, True, False, True, False, False, True, True]


@pytest.mark.parametrize("name", ["blur", "contrast", "rotation", "jpeg"])
def test_a_greyscale_image_stays_grey(name):
    image = scene()[..., 2:].repeat(3, -1)
    worse = corrupt(image, name, 3, index=0).astype(int)
    assert (worse.max(-1) - worse.min(-1)).max() <= (1 if name == "jpeg" else 0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "fog"}, "unknown corruption 'fog': it is one of blur, noise, contrast, jpeg, rotation"),
        ({"strength": 0}, "1, 2 or 3, got 0"),
        ({"strength": 4}, "1, 2 or 3, got 4"),
        ({"image": np.zeros((4, 4, 3))}, r"uint8 \(H, W, 3\), got float64"),
        ({"image": np.zeros((4, 4), np.uint8)}, r"got uint8 \(4, 4\)"),
        ({"image": np.zeros((4, 4, 1), np.uint8)}, r"got uint8 \(4, 4, 1\)"),
        ({"image": np.zeros((0, 4, 3), np.uint8)}, r"got uint8 \(0, 4, 3\)"),
    ],
)
def test_what_cannot_be_corrupted_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        corrupt(**{"image": scene(8), "name": "blur", "strength": 1, "index": 0, **changed})
