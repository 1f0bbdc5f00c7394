import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simam_jax.ops.augment import create_augment, normalise, random_crop, random_flip, rotate


def image(seed: int = 0, height: int = 24, width: int = 16) -> jax.Array:
    return jax.random.randint(jax.random.key(seed), (height, width, 3), 1, 256).astype(jnp.uint8)


@pytest.mark.parametrize("case", range(4))
def test_rotation_is_paddles(golden, case):
    with np.load(golden / "rotation_paddle.npz") as arrays:
        original, angle, wanted = (arrays[f"{case}/{name}"] for name in ("image", "angle", "rotated"))
    found = np.asarray(rotate(jnp.asarray(original), jnp.float32(angle)))
    different = (found != wanted).any(-1).sum()
    assert different <= wanted[..., 0].size * 1e-4


def test_rotation_by_nothing_changes_nothing():
    np.testing.assert_array_equal(rotate(image(), jnp.float32(0)), image())


def test_a_quarter_turn_is_counter_clockwise_about_pixel_half():
    square = image(height=16, width=16)
    turned = np.asarray(rotate(square, jnp.float32(90)))
    # About pixel (8, 8): row 0 would come from column 16, which does not exist.
    np.testing.assert_array_equal(turned[1:], np.rot90(np.asarray(square))[:-1])
    assert (turned[0] == 0).all()


def test_flip_mirrors_half_of_the_images():
    keys = jax.random.split(jax.random.key(1), 200)
    flipped = np.asarray(jax.vmap(random_flip, (0, None))(keys, image()))
    original = np.asarray(image())
    mirrored = (flipped == original[:, ::-1]).all((1, 2, 3))
    assert ((flipped == original).all((1, 2, 3)) | mirrored).all()
    assert 70 < mirrored.sum() < 130


def test_crops_are_windows_of_the_padded_image():
    padded = np.pad(np.asarray(image()), ((2, 2), (2, 2), (0, 0)))
    windows = {padded[i : i + 24, j : j + 16].tobytes() for i in range(5) for j in range(5)}
    keys = jax.random.split(jax.random.key(2), 300)
    crops = np.asarray(jax.vmap(lambda key: random_crop(key, image(), padding=2))(keys))
    assert {crop.tobytes() for crop in crops} == windows


def test_augmentation_is_a_function_of_its_key():
    augment = create_augment(rotation=10.0, flip=True, crop=2)
    once, again, other = (augment(jax.random.key(seed), image()) for seed in (0, 0, 1))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()
    assert once.dtype == jnp.uint8


def test_nothing_asked_for_is_nothing_done():
    np.testing.assert_array_equal(create_augment()(jax.random.key(0), image()), image())


@pytest.mark.parametrize("options", [{"rotation": -1.0}, {"rotation": 200.0}, {"crop": -1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="got"):
        create_augment(**options)


def test_normalise():
    values = normalise(jnp.full((1, 1, 3), 51, jnp.uint8), (0.1, 0.2, 0.3), (0.1, 0.2, 0.5))
    np.testing.assert_allclose(values.ravel(), [1.0, 0.0, -0.2], atol=1e-6)
