"""Which trials belong together."""

import numpy as np
import pytest

from simam_jax.studies.answers import Answers, match


def answers(attention: str = "simam", *, network: str = "net", seeds=(0, 1, 2), images: int = 4, **changed) -> Answers:
    correct = np.array([[seed % 2 == 0] * images for seed in seeds])
    return Answers(network, attention, seeds, **{"correct": correct, **changed})


def test_seeds_are_paired_by_number():
    (found,) = match([answers(seeds=(3, 0, 1)), answers("none", seeds=(0, 1, 2, 3))], "none")
    assert found.variant.seeds == found.baseline.seeds == (0, 1, 3)
    assert found.unpaired == (2,)
    np.testing.assert_array_equal(found.variant.correct, found.baseline.correct)
    assert found.variant.correct[:, 0].tolist() == [True, False, False]


def test_confidence_goes_with_its_seed():
    confidence = np.array([[0.3] * 4, [0.1] * 4, [0.2] * 4])
    (found,) = match([answers(seeds=(2, 0, 1), confidence=confidence), answers("none")], "none")
    assert found.variant.confidence is not None
    assert found.variant.confidence[:, 0].tolist() == [0.1, 0.2, 0.3]
    assert found.baseline.confidence is None


def test_every_network_has_its_own_baseline():
    found = match(
        [
            answers("none", network="b"),
            answers("se", network="a"),
            answers("eca", network="b"),
            answers("none", network="a"),
        ],
        "none",
    )
    assert [(each.variant.network, each.variant.attention, each.baseline.network) for each in found] == [
        ("a", "se", "a"),
        ("b", "eca", "b"),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([answers()], "net has no answers with none, which simam is compared with"),
        ([answers(), answers("none", network="other")], "net has no answers with none"),
        ([answers(), answers(), answers("none")], "twice with the same attention"),
        ([answers(seeds=(5, 6)), answers("none")], "simam and none have no seed in common"),
        ([answers(images=3), answers("none")], "the same images"),
    ],
)
def test_what_cannot_be_compared_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        match(given, "none")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"correct": np.ones((2, 4), bool)}, r"net with simam: correct must be \(3 seeds, images\), got \(2, 4\)"),
        ({"correct": np.ones(3, bool)}, r"got \(3,\)"),
        ({"correct": np.ones((3, 0), bool)}, "no answers"),
        ({"correct": np.full((3, 4), 1.5)}, "between 0 and 1"),
        ({"correct": np.full((3, 4), np.nan)}, "between 0 and 1"),
        ({"seeds": (0, 1, 1)}, "a seed comes twice"),
        ({"confidence": np.ones((3, 3))}, r"confidence has shape \(3, 3\)"),
        ({"correct": np.ones((3, 4)), "confidence": np.ones((3, 4))}, "fractions of images have no confidence"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        answers(**changed)
