"""Numbers of a coarse map as colours over a picture."""

import functools
from typing import NamedTuple

import numpy as np
from PIL import Image

# How much a picture's light and dark show through the colours.
_CONTRAST = 0.45
# Above this a picture is enlarged so that its own pixels can be seen.
_PIXELS_SHOW = 4


class Heat(NamedTuple):
    """A map and the numbers at the ends of its colour scale.

    Attributes:
        values: float (h, w).
        low, high: what has the first and the last colour; values outside have these too.
    """

    values: np.ndarray
    low: float
    high: float


def overlay(picture: np.ndarray, heat: Heat) -> np.ndarray:
    """A map's colours, lighter and darker where the picture is, so that on average they are those of the scale.

    Args:
        picture: uint8 (H, W, 3).
        heat: the map, which is stretched over the whole picture.

    Returns:
        uint8 (H, W, 3).
    """
    values = stretch(heat.values, picture.shape[:2])
    grey = np.asarray(Image.fromarray(picture).convert("L"), np.float32)[..., None]
    colours = colour(_shares(values, heat)).astype(np.float32)
    return np.clip(np.rint(colours + _CONTRAST * (grey - grey.mean())), 0, 255).astype(np.uint8)


def stretch(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map at another resolution, bilinearly, its outermost values kept to the edge; where it shrinks, averaged.

    Args:
        values: float (h, w).
        size: height and width of the float32 result.
    """
    height, width = size
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def relative(values: np.ndarray) -> np.ndarray:
    """A map that is not negative as shares of its largest value, 0…1; zeros stay zeros."""
    largest = values.max()
    return values / largest if largest > 0 else np.zeros_like(values)


def colour(shares: np.ndarray) -> np.ndarray:
    """Colours of numbers in 0…1, uint8 (…, 3): viridis, which is evenly spaced to the eye and in print."""
    return _viridis()[np.rint(np.asarray(shares) * 255).astype(np.uint8)]


def fit(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture whose longer side has `side` pixels, its shape kept; a small one shows its own pixels."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = Image.Resampling.NEAREST if scale > _PIXELS_SHOW else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(picture).resize(size, how))


def _shares(values: np.ndarray, heat: Heat) -> np.ndarray:
    """Where between the scale's ends; a scale of no length has only its low end."""
    length = heat.high - heat.low
    return np.clip((values - heat.low) / length, 0, 1) if length > 0 else np.zeros_like(values)


@functools.cache
def _viridis() -> np.ndarray:
    import cv2

    return cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1]
