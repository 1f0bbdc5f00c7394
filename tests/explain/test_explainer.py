"""A restored run explains images one by one, whatever company they are in."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.special import softmax

from simam_jax.errors import UsageError
from simam_jax.explain.explainer import Explainer
from simam_jax.explain.grad_cam import grad_cam
from simam_jax.explain.simam_maps import simam_maps
from simam_jax.inference.forward import Forward
from simam_jax.models import create_model
from simam_jax.ops.augment import normalise


def test_answers_are_those_of_predict(classifier, explainer, images, explanations):
    probabilities = softmax(Forward(classifier, batch_size=9).images(images).astype(np.float64), axis=-1)
    assert explainer.batch_size == 8
    for each, row in zip(explanations, probabilities, strict=True):
        assert each.answer.name == classifier.classes[row.argmax()]
        assert each.answer.probability == pytest.approx(row.max(), rel=1e-4)
        assert each.explained == each.answer


def test_maps_are_those_of_the_functions(classifier, explainer, images, explanations):
    @jax.jit
    def run(variables, images):
        pixels = normalise(images, classifier.mean, classifier.std)
        return (
            grad_cam(classifier.model, variables, pixels, explainer.layers),
            simam_maps(classifier.model, variables, pixels),
        )

    cam, neurons = run(classifier.state.variables, images[:1])
    found = explanations[0]
    assert list(found.grad_cams) == ["stage4", "inception1"]
    assert list(found.gates) == list(found.inverse_energies) == [f"attention{n}" for n in (3, 4, 5, 6)]
    for layer, values in found.grad_cams.items():
        expected = np.asarray(cam.maps[layer][0])
        np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-4 * expected.max())
    for layer, each in neurons.items():
        np.testing.assert_allclose(found.gates[layer], each.gate[0].mean(-1), rtol=1e-4)
        np.testing.assert_allclose(found.inverse_energies[layer], (1 / each.energy[0]).mean(-1), rtol=1e-4)
    # The mean over a channel's positions is 1/2 + (M - 1) / M · σ² / (4 (σ² + λ)); of a single one it is 1/2.
    assert 0.5 < found.inverse_energies["attention3"].mean() < 0.75
    assert found.inverse_energies["attention6"].tolist() == [[0.5]]


def test_neighbours_do_not_matter(explainer, images, explanations):
    (alone,) = explainer(images[8:])
    for name, values in explanations[8].grad_cams.items():
        np.testing.assert_allclose(alone.grad_cams[name], values, rtol=1e-3, atol=1e-4 * max(values.max(), 1e-9))
    for name, values in explanations[8].gates.items():
        np.testing.assert_allclose(alone.gates[name], values, rtol=1e-4)


def test_a_class_may_be_asked_for(classifier, explainer, images):
    answers = explainer(images[:3], ["zero", "", "one"])
    assert [each.explained.name for each in answers] == ["zero", answers[1].answer.name, "one"]
    assert all(each.explained.probability <= each.answer.probability for each in answers)
    other, same = (explainer(images[:1], [name])[0].grad_cams["stage4"] for name in ("one", "zero"))
    assert np.abs(other - same).max() > 1e-6
    with pytest.raises(UsageError, match="no class 'two': it is one of one, two, or so, zero"):
        explainer(images[:1], ["two"])
    with pytest.raises(ValueError, match="0 classes for 1 images"):
        explainer(images[:1], [])


def test_the_default_layer_and_a_wrong_one(classifier):
    assert Explainer(classifier).layers == ("inception2",)
    with pytest.raises(UsageError, match=r"no layer 'stage5' \(do you mean stage\d\?\): it is one of stage1/conv, "):
        Explainer(classifier, layers=["stage5"])


def test_with_and_without_attention(classifier):
    """The same weights without SimAM, which has none, asked about the same classes."""
    plain = dataclasses.replace(classifier, model=create_model("towernet", num_classes=3, attention="none"))
    images = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8)
    with_it, without = (Explainer(each, layers=["stage4"])(images, ["zero", "one"]) for each in (classifier, plain))
    for ours, theirs, name in zip(with_it, without, ("zero", "one"), strict=True):
        assert ours.explained.name == theirs.explained.name == name
        assert ours.explained.probability != theirs.explained.probability
        assert theirs.grad_cams["stage4"].shape == (8, 8)
        assert len(ours.gates) == 4
        assert theirs.gates == theirs.inverse_energies == {}
