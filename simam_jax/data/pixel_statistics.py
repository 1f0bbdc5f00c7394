"""Mean and standard deviation of a data set's pixels, exact whatever the order of the images."""

import numpy as np

_LEVELS = np.arange(256) / 255

Three = tuple[float, float, float]


def channel_histogram(pixels: np.ndarray) -> np.ndarray:
    """Counts of each level in uint8 (H, W, 3) pixels: int64 of shape (3, 256). Histograms of many images add up."""
    return np.stack([np.bincount(pixels[..., channel].ravel(), minlength=256) for channel in range(3)])


def mean_and_std(histogram: np.ndarray) -> tuple[Three, Three]:
    """Mean and population standard deviation of pixels in 0…1 a channel, in float64, from a (3, 256) histogram."""
    weights = histogram / histogram.sum(axis=1, keepdims=True)
    mean = weights @ _LEVELS
    std = np.sqrt((weights * (_LEVELS - mean[:, None]) ** 2).sum(axis=1))
    return _three(mean), _three(std)


def _three(values: np.ndarray) -> Three:
    red, green, blue = values.tolist()
    return red, green, blue
