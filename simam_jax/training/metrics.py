"""What is measured in training and evaluation, as CLU metric collections.

Losses and hits are handed over an example at a time: CLU's mask has no effect on a mean already taken.
"""

# No `from __future__ import annotations` here: a CLU collection reads its metrics from the annotations.
import jax
import jax.numpy as jnp
import optax
from clu import metrics as clu_metrics
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PyTree

TOP = 5


@struct.dataclass
class BalancedAccuracy(clu_metrics.Metric):
    """Mean over the classes present of the fraction of a class's examples that are right.

    Attributes:
        right, seen: examples a class, float32 (classes,).
    """

    right: PyTree
    seen: PyTree

    @classmethod
    def from_model_output(
        cls, *, logits: Float[Array, "B classes"], labels: Int[Array, "B"], mask: Float[Array, "B"], **_
    ) -> "BalancedAccuracy":
        """Counts a batch."""
        truth = jax.nn.one_hot(labels, logits.shape[-1]) * mask[:, None]
        right = (logits.argmax(-1) == labels).astype(jnp.float32)
        return cls(right=(truth * right[:, None]).sum(0), seen=truth.sum(0))

    def merge(self, other: "BalancedAccuracy") -> "BalancedAccuracy":  # pyright: ignore[reportIncompatibleMethodOverride]
        """Adds up the counts."""
        return type(self)(right=self.right + other.right, seen=self.seen + other.seen)

    def compute(self) -> Float[Array, ""]:
        """The mean of the recalls; nan where nothing was seen."""
        present = self.seen > 0
        return jnp.where(present, self.right / jnp.maximum(self.seen, 1), 0).sum() / present.sum()


@struct.dataclass
class TrainMetrics(clu_metrics.Collection):
    """Means over steps since the last line was written; the learning rate is the last step's."""

    loss: clu_metrics.Average.from_output("loss")  # pyright: ignore[reportInvalidTypeForm]
    accuracy: clu_metrics.Average.from_output("hit")  # pyright: ignore[reportInvalidTypeForm]
    grad_norm: clu_metrics.Average.from_output("grad_norm")  # pyright: ignore[reportInvalidTypeForm]
    learning_rate: clu_metrics.LastValue.from_output("learning_rate")  # pyright: ignore[reportInvalidTypeForm]


@struct.dataclass
class EvalMetrics(clu_metrics.Collection):
    """Means over a split."""

    loss: clu_metrics.Average.from_output("loss")  # pyright: ignore[reportInvalidTypeForm]
    accuracy: clu_metrics.Average.from_output("hit")  # pyright: ignore[reportInvalidTypeForm]
    top5: clu_metrics.Average.from_output("hit_top5")  # pyright: ignore[reportInvalidTypeForm]
    balanced_accuracy: BalancedAccuracy


def to_floats(metrics: TrainMetrics | EvalMetrics) -> dict[str, float]:
    """The values of a collection by name, brought to the host."""
    return {name: float(value) for name, value in jax.device_get(metrics).compute().items()}


def cross_entropy(logits: Float[Array, "B classes"], labels: Int[Array, "B"]) -> Float[Array, "B"]:
    """Negative log-likelihood of every example."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)


def hits(logits: Float[Array, "B classes"], labels: Int[Array, "B"], *, top: int = 1) -> Bool[Array, "B"]:
    """Whether fewer than min(top, classes) classes score above the label's; of equal scores the first counts."""
    own = jnp.take_along_axis(logits, labels[:, None], axis=-1)
    before = jnp.arange(logits.shape[-1])[None, :] < labels[:, None]
    # Written so that a score that is no number is ahead, and its example wrong.
    ahead = ~(logits <= own) | ((logits == own) & before)
    return ahead.sum(-1) < min(top, logits.shape[-1])
