"""What a data-parallel training step moves, by the number of devices: the cost model of ARCHITECTURE.md.

Every device works on its own images and has the whole state. The gradients, and batch norm's statistics of the whole
batch, are added up over the devices by all-reduces, as a ring does them: in 2 (N - 1) pieces of 1/N.
"""

from typing import NamedTuple

_FLOAT32 = 4


class Traffic(NamedTuple):
    """Of one step and one device, in bytes.

    Attributes:
        gradients: sent to other devices to add up the gradients; as much is received.
        statistics: the same of batch norm's statistics.
        input: from the host, uint8 images and what comes with them.
    """

    gradients: float
    statistics: float
    input: int


def ring_bytes(size: int, devices: int) -> float:
    """Bytes that each device sends for an all-reduce of `size` bytes over a ring; Patarasu and Yuan 2009."""
    return 2 * (devices - 1) / devices * size


def step_traffic(*, parameters: int, batch_stats: int, images: int, image_size: int, devices: int) -> Traffic:
    """What one device moves in a step.

    Args:
        parameters: of the network.
        batch_stats: of the network: two for each channel of a batch norm.
        images: a device's share of the batch.
        image_size: side of the images in pixels.
        devices: how many there are.
    """
    # Mean and mean square forward; backward, the sums of the gradient and of its product with the normalised map.
    statistics = 2 * batch_stats
    return Traffic(
        gradients=ring_bytes(_FLOAT32 * parameters, devices),
        statistics=ring_bytes(_FLOAT32 * statistics, devices),
        input=images * (3 * image_size**2 + 3 * _FLOAT32),
    )


def communication_share(sent: float, *, bandwidth: float, computing: float) -> float:
    """The part of a step's time that is spent sending, where nothing else is done meanwhile.

    Args:
        sent: bytes.
        bandwidth: of a device's slowest link, bytes a second in each direction.
        computing: seconds that the rest of the step takes.
    """
    sending = sent / bandwidth
    return sending / (sending + computing)
