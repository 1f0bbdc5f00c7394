"""What a data-parallel training step moves, by the number of devices: the cost model of ARCHITECTURE.md.

Every device has the whole state and works on its own images. Gradients, and what batch norm needs of the whole batch,
are added up over the devices by all-reduces, each as a ring does it: N devices send 2 (N - 1) pieces of 1/N.
"""

from typing import NamedTuple

_FLOAT32 = 4


class Reduced(NamedTuple):
    """What the all-reduces of one step add up, in bytes: the same for any number of devices.

    Attributes:
        gradients: of the parameters.
        statistics: of batch norm, forward; backward its sums are the gradients of its scale and bias.
    """

    gradients: int
    statistics: int


def reduced(*, parameters: int, batch_stats: int) -> Reduced:
    """What the all-reduces of one step add up.

    Args:
        parameters: of the network.
        batch_stats: of the network: a mean and a variance for each channel of a batch norm.
    """
    # Of each channel a sum and a sum of squares.
    return Reduced(gradients=_FLOAT32 * parameters, statistics=_FLOAT32 * batch_stats)


def sent(size: int, devices: int) -> float:
    """Bytes that each device sends, and receives, for an all-reduce of `size` bytes over a ring.

    Source: Patarasu and Yuan, Bandwidth optimal all-reduce algorithms, 2009; no algorithm sends less.
    """
    return 2 * (devices - 1) / devices * size


def input_bytes(images: int, image_size: int) -> int:
    """Bytes from the host to a device for its images of a batch: pixels, label, mask, index."""
    return images * (3 * image_size**2 + 3 * _FLOAT32)


def share_of_sending(sent: float, *, bandwidth: float, computing: float) -> float:
    """The part of a step's time that goes by while a device sends, where it computes nothing meanwhile: the worst case.

    Args:
        sent: bytes a step.
        bandwidth: of the device's slowest link, bytes a second in each direction.
        computing: seconds that a step takes on one device.
    """
    sending = sent / bandwidth
    return sending / (sending + computing)
