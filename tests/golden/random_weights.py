"""Weights that need not be stored: a function of an array's name and shape."""

import math
import zlib

import numpy as np


def random_array(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A float32 array for the PyTorch parameter or statistic `name`, of a size that keeps activations in bounds."""
    normal = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape, np.float32)
    if name.endswith("running_var"):
        return 1 + 0.3 * np.abs(normal)
    if len(shape) > 1:
        return normal * math.sqrt(2 / math.prod(shape[1:]))
    if name.endswith("weight"):
        return 0.4 + 0.1 * normal
    return 0.1 * normal


def random_images(size: int, count: int = 4) -> np.ndarray:
    """Normalised images, float32 (count, size, size, 3)."""
    return np.random.default_rng(size).standard_normal((count, size, size, 3), np.float32)


def digest(statistic: np.ndarray) -> np.ndarray:
    """Three numbers of a vector: its root mean square, and what two fixed random directions see of it."""
    directions = np.random.default_rng(len(statistic)).standard_normal((2, len(statistic)))
    return np.array([math.sqrt(np.mean(np.square(statistic))), *(directions @ statistic / math.sqrt(len(statistic)))])
