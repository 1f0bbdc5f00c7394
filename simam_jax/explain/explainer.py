"""A run's network asked what it looks at."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8
from scipy.special import softmax

from simam_jax.errors import UsageError
from simam_jax.explain.feature_maps import choose_layers, feature_maps
from simam_jax.explain.grad_cam import grad_cam
from simam_jax.explain.simam_maps import simam_maps
from simam_jax.inference.restore import Classifier
from simam_jax.ops.augment import normalise
from simam_jax.ops.implementation import implementation
from simam_jax.reporting.explanation import Explanation
from simam_jax.reporting.prediction import Guess
from simam_jax.training.mesh import split
from simam_jax.training.state import TrainState

# Images a call and device: the backward pass keeps all activations.
_BATCH_SIZE = 4
_ANSWER = -1


class _Maps(NamedTuple):
    """Of a batch, on the device or the host; maps are (B, h, w), those of SimAM means over channels."""

    logits: Float[Array, "B classes"]
    labels: Int[Array, "B"]
    grad_cams: dict[str, Any]
    gates: dict[str, Any]
    inverse_energies: dict[str, Any]


class Explainer:
    """A classifier's answers and its maps, compiled once.

    Attributes:
        shapes: (H, W, C) of every feature map of the network, by the layer that gives it.
        layers: those that Grad-CAM is of.
        simam_layers: those that are SimAM.
        batch_size: how many images are computed at once.
    """

    def __init__(self, classifier: Classifier, *, layers: Sequence[str] = ()):
        """Compiles nothing yet.

        Args:
            classifier: the network.
            layers: see `simam_jax.explain.feature_maps.choose_layers`.

        Raises:
            UsageError: the network has no such layer.
        """
        variables = classifier.state.variables
        with implementation(classifier.implementation):
            size = classifier.view.image_size
            self.shapes = feature_maps(classifier.model, variables, size)
            images = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
            simam = jax.eval_shape(partial(simam_maps, classifier.model), variables, images)
        self.layers = choose_layers(self.shapes, layers)
        # In the order in which they run, which dictionaries that JAX gives back have lost.
        self.simam_layers = tuple(name for name in self.shapes if name in simam)
        self.batch_size = _BATCH_SIZE * classifier.mesh.size
        self._classifier = classifier
        self._sharding = split(classifier.mesh)
        self._run = jax.jit(self._maps)

    def __call__(self, images: UInt8[np.ndarray, "N S S 3"], classes: Sequence[str] | None = None) -> list[Explanation]:
        """Explains images, however many.

        Args:
            images: as the classifier's view gives them.
            classes: of each image the class that Grad-CAM explains; "", and None for all, is the class answered.

        Raises:
            UsageError: the network knows no such class.
            ValueError: there are not as many classes as images.
        """
        wanted = [""] * len(images) if classes is None else classes
        labels = np.asarray([self.label_of(name) for name in wanted], np.int32)
        if len(labels) != len(images):
            raise ValueError(f"{len(labels)} classes for {len(images)} images")
        explanations = []
        for start in range(0, len(images), self.batch_size):
            part = slice(start, start + self.batch_size)
            explanations += self._explain(images[part], labels[part])
        return explanations

    def _explain(self, images: np.ndarray, labels: np.ndarray) -> list[Explanation]:
        on_mesh = (jax.device_put(_filled(each, self.batch_size), self._sharding) for each in (images, labels))
        with implementation(self._classifier.implementation):
            maps = jax.device_get(self._run(self._classifier.state, *on_mesh))
        return [self._describe(maps, place) for place in range(len(images))]

    def _maps(self, state: TrainState, images: Array, labels: Array) -> _Maps:
        model, variables = self._classifier.model, state.variables
        pixels = normalise(images, self._classifier.mean, self._classifier.std)
        cam = grad_cam(model, variables, pixels, self.layers, labels)
        neurons = simam_maps(model, variables, pixels)
        gates = {name: each.gate.mean(-1) for name, each in neurons.items()}
        energies = {name: (1 / each.energy).mean(-1) for name, each in neurons.items()}
        return _Maps(cam.logits, cam.labels, cam.maps, gates, energies)

    def _describe(self, maps: _Maps, place: int) -> Explanation:
        logits = np.asarray(maps.logits[place], np.float64)
        probabilities = softmax(logits)
        answer, explained = (
            Guess(self._classifier.classes[label], float(probabilities[label]))
            for label in (int(logits.argmax()), int(maps.labels[place]))
        )
        grad_cams = {name: maps.grad_cams[name][place] for name in self.layers}
        gates, energies = (
            {name: each[name][place] for name in self.simam_layers} for each in (maps.gates, maps.inverse_energies)
        )
        return Explanation(answer, explained, grad_cams, gates, energies)

    def label_of(self, name: str) -> int:
        """A class's label; -1 for "".

        Raises:
            UsageError: the network knows no such class.
        """
        classes = self._classifier.classes
        if name and name not in classes:
            raise UsageError(f"the run knows no class {name!r}: it is one of {', '.join(classes)}")
        return classes.index(name) if name else _ANSWER


def _filled(values: np.ndarray, size: int) -> np.ndarray:
    filled = np.zeros((size, *values.shape[1:]), values.dtype)
    filled[: len(values)] = values
    return filled
