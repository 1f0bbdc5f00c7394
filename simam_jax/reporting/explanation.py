"""What a network looked at in an image, which pictures are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simam_jax.reporting.prediction import Guess


@dataclass(frozen=True)
class Explanation:
    """A network's answer for one image, and maps of what it looked at, each at its layer's own resolution.

    Attributes:
        answer: the most probable class.
        explained: the class that Grad-CAM is of.
        grad_cams: by layer, float32 (h, w): how much each place speaks for that class, from 0, in no unit.
        gates: by SimAM module, float32 (h, w): the mean over channels of what it multiplies by, from 0.6225 to 1.
        inverse_energies: likewise the mean over channels of 1 / e*, from 0.5; the higher, the lower the energy and the
            more the place stands out.
    """

    answer: Guess
    explained: Guess
    grad_cams: Mapping[str, np.ndarray]
    gates: Mapping[str, np.ndarray]
    inverse_energies: Mapping[str, np.ndarray]

    @property
    def finite(self) -> bool:
        """Whether all its numbers are."""
        maps = (*self.grad_cams.values(), *self.gates.values(), *self.inverse_energies.values())
        guesses = (self.answer.probability, self.explained.probability)
        return all(np.isfinite(numbers).all() for numbers in (*maps, *guesses))
