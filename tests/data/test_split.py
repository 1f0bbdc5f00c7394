"""The seed's split and name rules, as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simam_jax.data.original import Original
from simam_jax.data.split import place, split_of, stored_names

NAMES = st.lists(st.text("ab _2.", min_size=1, max_size=7).filter(lambda name: not name.startswith(".")), unique=True)


def originals(names, class_name="a", split=None):
    return [Original(class_name, name, bytes, split) for name in names]


@given(st.integers(0, 10_000), st.integers(2, 50))
def test_every_nth_is_for_evaluation(index, eval_every):
    assert split_of(index, eval_every) == ("eval" if index % eval_every == 0 else "train")


@given(NAMES)
def test_stored_names_are_distinct_and_have_no_spaces(names):
    stored = stored_names(names)
    assert set(stored) == set(names)
    assert len(set(stored.values())) == len(names)
    assert not any(" " in name for name in stored.values())
    assert all(stored[name] == name for name in names if " " not in name)


@given(NAMES, st.randoms())
def test_stored_names_do_not_depend_on_order(names, random):
    shuffled = list(names)
    random.shuffle(shuffled)
    assert stored_names(shuffled) == stored_names(names)


@pytest.mark.parametrize(
    ("names", "stored"),
    [
        (["x 0.jpg"], ["x_0.jpg"]),
        (["x 0.jpg", "x_0.jpg"], ["x_0_2.jpg", "x_0.jpg"]),
        (["a b c.png", "a b_c.png", "a_b c.png"], ["a_b_c.png", "a_b_c_2.png", "a_b_c_3.png"]),
        (["x 0.jpg", "x_0.jpg", "x_0_2.jpg"], ["x_0_3.jpg", "x_0.jpg", "x_0_2.jpg"]),
        (["x 0", "x_0"], ["x_0_2", "x_0"]),
        (["x 0.tar.gz", "x_0.tar.gz"], ["x_0.tar_2.gz", "x_0.tar.gz"]),
    ],
)
def test_repeated_names_get_a_number(names, stored):
    assert [stored_names(names)[name] for name in names] == stored


@given(st.dictionaries(st.sampled_from("abc"), NAMES, min_size=1), st.integers(2, 7), st.randoms())
def test_placement_follows_the_sorted_listing_of_each_class(tree, eval_every, random):
    images = [one for class_name, names in tree.items() for one in originals(names, class_name)]
    random.shuffle(images)
    placements = place(images, eval_every)
    assert len(placements) == len(images)
    for class_name, names in tree.items():
        mine = [one for one in placements if one.original.class_name == class_name]
        assert [one.original.name for one in mine] == sorted(names)
        assert [one.split for one in mine] == [split_of(index, eval_every) for index in range(len(names))]


@given(NAMES)
def test_a_given_split_is_kept(names):
    images = originals(names, split="train") + originals(names, split="eval")
    placements = place(images, eval_every=2)
    assert [one.split for one in placements] == ["eval"] * len(names) + ["train"] * len(names)
    assert all(one.split == one.original.split for one in placements)


def test_the_seeds_count():
    """The 16 classes' sizes give 1418 and 362 images, 45 and 12 batches of 32."""
    sizes = [55, 800, 42, 42, 47, 54, 46, 33, 128, 98, 43, 85, 91, 50, 43, 123]
    names = [originals([f"image_{n:04d}.jpg" for n in range(size)], str(k)) for k, size in enumerate(sizes)]
    splits = [one.split for one in place([one for each in names for one in each], 5)]
    assert (splits.count("train"), splits.count("eval")) == (1418, 362)
