"""The bottleneck attention module."""

from functools import partial

from flax import linen as nn
from jaxtyping import Array, Float

from simam_jax.layers.batch_norm import batch_norm
from simam_jax.layers.initializers import pytorch_bias, pytorch_kernel
from simam_jax.layers.linear import linear
from simam_jax.layers.options import require_at_least


class BAM(nn.Module):
    """A gate for each value from two branches, and a way past it: `x + x * sigmoid(Mc + Ms)`.

    Mc, a number for each channel, is `bn_channel(fc2(relu(fc1(mean))))`. Ms, one for each position, is `bn_spatial` of
    four convolutions: 1×1 to C / reduction channels, two dilated 3×3, 1×1 to one channel. Park et al., BMVC 2018,
    https://arxiv.org/abs/1807.06514, equations 1-4; all layers have biases. The batch norms have ε 1e-5 and keep 0.9 of
    their statistics.

    Attributes:
        reduction: the ratio of C to the hidden width of both branches, which is at least 1.
        dilation: of the 3×3 convolutions.

    Raises:
        ValueError: reduction or dilation is below 1.

    The equations write no activation. There is a ReLU after every layer of a branch but its last, as in the authors'
    code: without, a branch would be one linear map. Otherwise the equations count where that code differs from them: it
    multiplies the branches, has a batch norm after every layer but the last of each branch, and none at their ends.
    """

    reduction: int = 16
    dilation: int = 4

    def __post_init__(self) -> None:
        require_at_least(1, "bam", "reduction", self.reduction)
        require_at_least(1, "bam", "dilation", self.dilation)
        super().__post_init__()

    @nn.compact
    def __call__(self, x: Float[Array, "*batch H W C"], *, train: bool = False) -> Float[Array, "*batch H W C"]:
        """Gates x; in training the batch norms use the batch's statistics."""
        channels = x.shape[-1]
        hidden = max(channels // self.reduction, 1)
        norm = partial(batch_norm, train=train, dtype=x.dtype)
        fully = partial(linear, dtype=x.dtype)

        def dilated(name: str) -> nn.Conv:
            return nn.Conv(
                hidden,
                (3, 3),
                padding=self.dilation,
                kernel_dilation=self.dilation,
                dtype=x.dtype,
                kernel_init=pytorch_kernel,
                bias_init=pytorch_bias(9 * hidden),
                name=name,
            )

        of_channels = nn.relu(fully(hidden, inputs=channels, name="fc1")(x.mean((-3, -2), keepdims=True)))
        of_channels = norm(name="bn_channel")(fully(channels, inputs=hidden, name="fc2")(of_channels))

        of_positions = nn.relu(fully(hidden, inputs=channels, name="reduce")(x))
        of_positions = nn.relu(dilated("dilated1")(of_positions))
        of_positions = nn.relu(dilated("dilated2")(of_positions))
        of_positions = norm(name="bn_spatial")(fully(1, inputs=hidden, name="project")(of_positions))

        return x + x * nn.sigmoid(of_channels + of_positions)
