"""scikit-learn's digits as files."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from simam_jax.data.decode import decode
from simam_jax.data.digits import digit_originals


@pytest.fixture(scope="module")
def originals():
    return list(digit_originals())


def test_every_digit_is_there_under_its_label(originals):
    labels = load_digits(return_X_y=True)[1]
    assert [one.class_name for one in originals] == [str(label) for label in labels]
    assert [one.name for one in originals] == [f"{index:04d}.png" for index in range(1797)]
    assert {one.split for one in originals} == {None}


def test_pixels_are_the_sets_own_scaled(originals):
    images = load_digits(return_X_y=True)[0].reshape(-1, 8, 8)
    for index in (0, 5, 1796):
        pixels = decode(originals[index].read())
        assert pixels.shape == (8, 8, 3)
        np.testing.assert_allclose(pixels[..., 1] / 255, images[index] / 16, atol=0.5 / 255)
    assert max(decode(one.read()).max() for one in originals[:20]) == 255


def test_bytes_are_the_same_every_time(originals):
    assert [one.read() for one in originals[:50]] == [one.read() for one in list(digit_originals())[:50]]
