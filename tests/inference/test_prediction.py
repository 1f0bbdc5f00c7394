"""Answers come in order, a batch at a time, and bad images stop nobody."""

import dataclasses
import itertools

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from simam_jax.data.decode import decode, resize
from simam_jax.data.view import FixedView
from simam_jax.errors import UsageError
from simam_jax.inference.forward import Forward
from simam_jax.inference.inputs import Input
from simam_jax.inference.prediction import predict
from simam_jax.inference.restore import restore


@pytest.fixture(scope="module")
def classifier(tiny_run):
    return restore(tiny_run.path, "latest")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """21 images of several sizes, so that there are two batches."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(21):
        pixels = np.random.default_rng(number).integers(0, 256, (20 + number, 30, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return [Input(str(path)) for path in sorted(folder.iterdir())]


def answers(classifier, inputs, top_k=2):
    return list(itertools.chain.from_iterable(predict(classifier, inputs, top_k=top_k)))


def test_the_answer_is_the_softmax_of_the_logits(classifier, photos):
    (answer,) = answers(classifier, photos[:1], top_k=5)
    pixels = resize(decode(photos[0].read()), 128, antialias=False)
    probabilities = softmax(Forward(classifier, batch_size=2).images(pixels[None])[0].astype(np.float64))
    order = np.argsort(-probabilities)
    assert answer.path == photos[0].path
    assert [guess.name for guess in answer.top] == [classifier.classes[label] for label in order]
    assert [guess.probability for guess in answer.top] == pytest.approx(probabilities[order], rel=1e-4)


def test_an_image_is_asked_about_as_the_run_sees_it(classifier, photos):
    view = FixedView(128, antialias=False, resize_to=160)
    (answer,) = answers(dataclasses.replace(classifier, view=view), photos[:1], top_k=5)
    logits = Forward(classifier, batch_size=2).images(view(decode(photos[0].read()))[None])[0]
    found = {guess.name: guess.probability for guess in answer.top}
    wanted = dict(zip(classifier.classes, softmax(logits.astype(np.float64)), strict=True))
    assert found == pytest.approx(wanted, rel=1e-4)
    (squeezed,) = answers(classifier, photos[:1], top_k=5)
    assert found != pytest.approx({guess.name: guess.probability for guess in squeezed.top}, rel=1e-4)


def test_order_and_company_do_not_matter(classifier, photos):
    together = answers(classifier, photos)
    assert [each.path for each in together] == [each.path for each in photos]
    backwards = answers(classifier, photos[::-1])[::-1]
    for a, b in zip(together, backwards, strict=True):
        assert [guess.name for guess in a.top] == [guess.name for guess in b.top]
        assert [guess.probability for guess in a.top] == pytest.approx([g.probability for g in b.top], rel=1e-5)
    assert answers(classifier, photos[:1]) == together[:1]


def test_what_cannot_be_read_keeps_its_place(classifier, photos, tmp_path):
    inputs = [
        Input("gone.png", problem="no such file or directory"),
        photos[0],
        Input("text", data=b"hello"),
        Input("cut", data=photos[1].read()[:200]),
        Input(str(tmp_path)),
        photos[2],
    ]
    found = answers(classifier, inputs)
    errors = ["no such file or directory", "", "not an image", "truncated", "is a directory", ""]
    assert [each.error for each in found] == errors
    assert [bool(each.top) for each in found] == [not error for error in errors]
    assert found[1].top == answers(classifier, photos[:1])[0].top


def test_a_batch_of_nothing_but_bad_images(classifier, photos):
    found = answers(classifier, [Input("x", data=b"")] * 16 + photos[:1])
    assert [each.error for each in found] == ["empty file"] * 16 + [""]


def test_images_are_read_as_they_are_needed(classifier, photos):
    """Of an endless list three batches at most have been asked for when the first answers are there."""
    asked = itertools.count()

    def endless():
        while True:
            next(asked)
            yield photos[0]

    stream = predict(classifier, endless(), top_k=1)
    assert len(next(stream)) == 16
    assert next(asked) <= 3 * 16


def test_top_k_is_checked_at_once(classifier):
    with pytest.raises(UsageError, match="--top-k must be at least 1, got 0"):
        predict(classifier, [], top_k=0)
