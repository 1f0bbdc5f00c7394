"""A network run over batches of one size."""

import copy

import jax
import numpy as np
from jaxtyping import Array, Float

from simam_jax.inference.restore import Classifier
from simam_jax.ops.implementation import implementation
from simam_jax.training.mesh import split
from simam_jax.training.step import Batch, make_forward


class Forward:
    """A classifier's logits, compiled for one batch size.

    An image's logits do not depend on the others of its batch: batch statistics are the stored ones.

    Attributes:
        batch_size: images a call, a multiple of the number of devices.
    """

    def __init__(self, classifier: Classifier, *, batch_size: int):
        """Compiles nothing yet.

        Args:
            classifier: the network.
            batch_size: rounded up to a multiple of the number of devices.
        """
        devices = classifier.mesh.size
        self.batch_size = -(-batch_size // devices) * devices
        self._state = classifier.state
        self._sharding = split(classifier.mesh)
        self._implementation = classifier.implementation
        self._forward = jax.jit(make_forward(classifier.model, mean=classifier.mean, std=classifier.std))

    def at(self, classifier: Classifier) -> "Forward":
        """The same for another checkpoint of the run, without compiling again."""
        other = copy.copy(self)
        other._state = classifier.state
        return other

    def __call__(self, batch: Batch) -> Float[Array, "B classes"]:
        """Logits of a whole batch that is on the mesh."""
        with implementation(self._implementation):
            return self._forward(self._state, batch)

    def images(self, images: np.ndarray) -> np.ndarray:
        """Logits of at most `batch_size` images on the host.

        Args:
            images: uint8 (N, S, S, 3), S being its view's image_size.

        Returns:
            float32 (N, classes).
        """
        filled = np.zeros((self.batch_size, *images.shape[1:]), images.dtype)
        filled[: len(images)] = images
        logits = self({"image": jax.device_put(filled, self._sharding)})
        return np.asarray(logits)[: len(images)]
