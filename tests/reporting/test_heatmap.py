"""A map over a picture has the scale's colours, where the map says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.reporting.heatmap import Heat, colour, fit, overlay, relative, stretch

FIRST, LAST = (68, 1, 84), (253, 231, 36)  # viridis, RGB


def test_the_colours_are_viridis_from_dark_to_light():
    colours = colour(np.linspace(0, 1, 256)).astype(int)
    np.testing.assert_allclose(colours[[0, -1]], [FIRST, LAST], atol=1)
    lightness = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > -0.5).all()


def test_stretched_bilinearly_about_the_middles_of_places():
    values = np.array([[0.0, 4.0]])
    np.testing.assert_allclose(stretch(values, (2, 8)), [[0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4]] * 2, atol=1e-6)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 40), st.integers(1, 40), st.floats(-1e3, 1e3))
def test_a_constant_stays_one(h, w, height, width, value):
    stretched = stretch(np.full((h, w), value), (height, width))
    assert (stretched.shape, stretched.dtype) == ((height, width), np.float32)
    np.testing.assert_allclose(stretched, value, rtol=1e-5, atol=1e-4)


def test_relative_to_the_largest():
    np.testing.assert_array_equal(relative(np.array([[0.0, 2.0], [1.0, 4.0]])), [[0, 0.5], [0.25, 1]])
    np.testing.assert_array_equal(relative(np.zeros((2, 2))), np.zeros((2, 2)))


def test_over_an_even_picture_the_colours_are_the_scales():
    heat = Heat(np.array([[1.0, 3.0]]), low=1.0, high=3.0)
    drawn = overlay(np.full((6, 40, 3), 200, np.uint8), heat).astype(int)
    np.testing.assert_allclose(drawn[:, 0], [FIRST] * 6, atol=1)
    np.testing.assert_allclose(drawn[:, -1], [LAST] * 6, atol=1)


def test_what_is_outside_the_scale_has_its_ends_colours():
    heat = Heat(np.array([[-9.0, 9.0]]), low=0.0, high=1.0)
    drawn = overlay(np.zeros((2, 8, 3), np.uint8), heat).astype(int)
    np.testing.assert_allclose(drawn[0, [0, -1]], [FIRST, LAST], atol=1)


def test_a_scale_of_no_length_is_its_low_end():
    drawn = overlay(np.zeros((2, 8, 3), np.uint8), Heat(np.full((2, 2), 0.6225), 0.6225, 0.6225)).astype(int)
    np.testing.assert_allclose(drawn, np.broadcast_to(FIRST, drawn.shape), atol=1)


def test_the_picture_shows_through():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:, 2:] = 160
    drawn = overlay(picture, Heat(np.full((1, 1), 0.5), 0.0, 1.0)).astype(int)
    assert (drawn[:, 2:] - drawn[:, :2] > 50).all()


@pytest.mark.parametrize(
    ("size", "side", "fitted"),
    [((100, 50), 20, (20, 10)), ((8, 8), 220, (220, 220)), ((1, 3000), 30, (1, 30)), ((4000, 1), 30, (30, 1))],
)
def test_fitted_in_its_own_shape(size, side, fitted):
    assert fit(np.zeros((*size, 3), np.uint8), side).shape == (*fitted, 3)


def test_small_pictures_show_their_pixels():
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_array_equal(fit(picture, 64), np.repeat(np.repeat(picture, 8, 0), 8, 1))
