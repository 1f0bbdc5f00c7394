"""The batch norm of attention modules."""

from flax import linen as nn
from jaxtyping import DTypeLike


def batch_norm(*, train: bool, dtype: DTypeLike, name: str, keeps: float = 0.9) -> nn.BatchNorm:
    """A batch norm with ε 1e-5, over all axes but the last.

    Its variance is that of differences from the mean. Flax's default, the mean of squares less the square of the mean,
    loses the digits where the mean is large beside the deviation, as in what a few channels are pooled to.

    Args:
        train: whether it uses the batch's statistics or the running ones.
        dtype: of the computation; parameters and statistics are float32.
        name: in its parent.
        keeps: share of the running statistics that a step in training keeps; PyTorch's momentum is the rest.
    """
    return nn.BatchNorm(
        use_running_average=not train, momentum=keeps, epsilon=1e-5, dtype=dtype, use_fast_variance=False, name=name
    )
