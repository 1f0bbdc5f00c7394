"""Names that a disk takes, no two alike."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.reporting.picture_names import image_stems, layer_stems


def test_after_the_file_without_folders_and_suffix():
    assert image_stems(["a/cat.png", "-", "dog.jpg"]) == ["cat", "stdin", "dog"]


def test_the_same_name_is_numbered():
    assert image_stems(["a/x.png", "b/x.jpg", "c/X.png", "x_2.png"]) == ["x", "x_2", "X_3", "x_2_2"]


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("photos/my cat (1).jpg", "my_cat_1"),
        ("..", "image"),
        (".hidden.png", "hidden"),
        ("a\\b:c|d.png", "a_b_c_d"),
        ("Äpfel.png", "Äpfel"),
        (os.fsdecode(b"\xff\xfe.png"), "image"),
        ("", "image"),
    ],
)
def test_what_a_disk_may_not_take(path, stem):
    assert image_stems([path]) == [stem]


def test_layers():
    assert layer_stems(["layer1_0/attention", "layer1_0.attention", "conv#2"]) == [
        "layer1_0.attention",
        "layer1_0.attention_2",
        "conv_2",
    ]


@given(st.lists(st.text(max_size=300), max_size=12))
def test_any_names(names):
    for stems in (image_stems(names), layer_stems(names)):
        assert len({stem.casefold() for stem in stems}) == len(names)
        for stem in stems:
            assert "/" not in stem
            assert "\0" not in stem
            assert not stem.startswith(".")
            assert 0 < len(os.fsencode(stem)) < 200
