"""Where epochs end in an endless stream of full batches."""

import math
from dataclasses import dataclass
from fractions import Fraction

from simam_jax.errors import UsageError


@dataclass(frozen=True)
class Epochs:
    """Epochs over N images in batches of B that run on over an epoch's end.

    Epochs count from 0. Epoch e ends at the first step whose end has seen (e + 1)·N images.

    Attributes:
        count: how many.
        images: N.
        batch_size: B, of all devices together.
    """

    count: int
    images: int
    batch_size: int

    def __post_init__(self):
        if self.count < 1:
            raise UsageError(f"epochs must be at least 1, got {self.count}")
        if not 1 <= self.batch_size <= self.images:
            raise UsageError(
                f"batch_size must be between 1 and the number of training images, {self.images}; got {self.batch_size}"
            )

    @property
    def steps(self) -> int:
        """Steps of the whole run, ⌈count·N / B⌉."""
        return self.end(self.count - 1)

    def end(self, epoch: int) -> int:
        """The number of steps after which `epoch` has ended."""
        return self.start(epoch + 1)

    def start(self, epoch: int | float) -> int:
        """The number of steps before `epoch`; 1.5 is the middle of epoch 1."""
        return math.ceil(Fraction(epoch) * self.images / self.batch_size)

    def of(self, step: int) -> int:
        """The epoch that the step after `step` steps belongs to."""
        epoch = step * self.batch_size // self.images
        return epoch if step < self.end(epoch) else epoch + 1

    def ended_at(self, step: int) -> int | None:
        """The epoch that ends after exactly `step` steps."""
        epoch = self.of(step) - 1
        return epoch if epoch >= 0 and self.end(epoch) == step else None
