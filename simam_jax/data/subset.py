"""Validation cut from a training split."""

import numpy as np

from simam_jax.data.records import Examples


class Subset:
    """Some of a split's examples, in the order given."""

    def __init__(self, examples: Examples, places: np.ndarray):
        """Keeps `examples` at `places`, int (n,)."""
        self._examples = examples
        self._places = places
        self.names = [examples.names[int(place)] for place in places]
        self.labels = examples.labels[places]

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, place: int) -> tuple[np.ndarray, int]:
        """The decoded image, uint8 (H, W, 3), and its label."""
        return self._examples.read(int(self._places[place]))


def cut_validation(examples: Examples, fraction: float) -> tuple[Subset, Subset]:
    """Splits training examples into (train, val), class by class.

    Of a class's n examples round(n · fraction) go to val, at least one and never the last, evenly spaced over the
    class's order: a function of the data alone, so that it is the same for every seed.

    Args:
        examples: the training split.
        fraction: of every class, between 0 and 1.
    """
    chosen = np.zeros(len(examples.labels), bool)
    for label in np.unique(examples.labels):
        places = np.flatnonzero(examples.labels == label)
        count = min(max(round(len(places) * fraction), 1), len(places) - 1)
        chosen[places[(np.arange(count) * len(places)) // max(count, 1)]] = True
    return Subset(examples, np.flatnonzero(~chosen)), Subset(examples, np.flatnonzero(chosen))
