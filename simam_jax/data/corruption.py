"""Images made worse, to measure what a network still recognises.

Blur, noise, contrast and JPEG are those of Hendrycks and Dietterich, Benchmarking neural network robustness to common
corruptions and perturbations, ICLR 2019 (ImageNet-C), at three of their five severities; rotation is not among
theirs. They are for what a network sees, squares of 128 to 256 pixels, and know nothing of runs: what is random is
drawn from a seed of their own and the image's place in its split, so that every trial of a study sees the same
pixels.
"""

import io
import math
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

STRENGTHS = (1, 2, 3)

# With the seed and the place, where random numbers are drawn from.
_NOISE, _DIRECTION = 0, 1
# The side of ImageNet-C's images, in pixels.
_SIDE = 224


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur.

    Args:
        image: uint8 (H, W, 3).
        sigma: standard deviation in pixels of an image whose shorter side has 224; of others in proportion to the root
            of that side, which at 32 pixels comes to what CIFAR-10-C has. 0 changes nothing. Beyond its edges the
            image goes on as it ends.
    """
    scaled = sigma * math.sqrt(min(image.shape[:2]) / _SIDE)
    return cv2.GaussianBlur(image, (0, 0), scaled, borderType=cv2.BORDER_REPLICATE) if scaled else image.copy()


def noise(image: np.ndarray, std: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise, independent for every pixel and channel; std is in units of the range of pixels, 0…1."""
    return _to_pixels(image + 255 * std * rng.standard_normal(image.shape))


def contrast(image: np.ndarray, kept: float) -> np.ndarray:
    """Pixels drawn towards their channel's mean: the fraction `kept` of their distance from it is left."""
    mean = image.mean((0, 1), keepdims=True)
    return _to_pixels(mean + kept * (image - mean))


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Compressed as JPEG at a quality of 1 to 100, colours at half the resolution, and decoded again."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.array(Image.open(file).convert("RGB"))


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turned counter-clockwise about the centre, bilinear; what comes from outside is black, as in training."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def corrupt(image: np.ndarray, name: str, strength: int, *, index: int, seed: int = 0) -> np.ndarray:
    """Corrupts an image in one of the ways of `CORRUPTIONS`.

    Args:
        image: pixels as the network would see them, uint8 (H, W, 3).
        name: the way.
        strength: 1, 2 or 3.
        index: the image's place in its split; with the seed it decides the noise, which at a greater strength is the
            same but more, and the direction of the rotation.
        seed: of all that is random; not that of a run.

    Returns:
        New pixels of the same shape.

    Raises:
        ValueError: an unknown way or strength, or no such image.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"unknown corruption {name!r}: it is one of {', '.join(CORRUPTIONS)}")
    if strength not in STRENGTHS:
        raise ValueError(f"the strength of a corruption is 1, 2 or 3, got {strength}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"an image must be uint8 (H, W, 3), got {image.dtype} {image.shape}")
    values, apply = CORRUPTIONS[name]
    return apply(image, values[strength - 1], [seed, index])


def _noise(image: np.ndarray, std: float, key: list[int]) -> np.ndarray:
    return noise(image, std, np.random.default_rng([*key, _NOISE]))


def _rotate(image: np.ndarray, degrees: float, key: list[int]) -> np.ndarray:
    return rotate(image, degrees * np.random.default_rng([*key, _DIRECTION]).choice([-1, 1]))


def _to_pixels(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)


# By name: what the three strengths are, and who applies one to an image under a key of its random numbers.
CORRUPTIONS: dict[str, tuple[tuple[float, float, float], Callable[[np.ndarray, float, list[int]], np.ndarray]]] = {
    "blur": ((1.0, 2.0, 3.0), lambda image, sigma, _: blur(image, sigma)),
    "noise": ((0.08, 0.12, 0.18), _noise),
    "contrast": ((0.4, 0.2, 0.1), lambda image, kept, _: contrast(image, kept)),
    "jpeg": ((25.0, 15.0, 7.0), lambda image, quality, _: jpeg(image, int(quality))),
    "rotation": ((15.0, 30.0, 45.0), _rotate),
}
