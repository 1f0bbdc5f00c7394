"""How the pixels of an image of any size become the square that a network takes.

A view is a pure function from an image, uint8 (H, W, 3), and its place in the run's stream to uint8 (S, S, 3). Where it
is `fixed` the place does not matter.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from simam_jax.data.decode import MAX_PIXELS, BadImageError, resize

# A run's seed with 0 gives the order of its images, see `pipeline`.
_CROP = 1
_TRIES = 10
_MOST_OBLONG = 4 / 3


@dataclass(frozen=True)
class FixedView:
    """The whole image squeezed into a square, or its centre.

    Attributes:
        image_size: side of the square, in pixels.
        antialias: as in `simam_jax.data.decode.resize`.
        resize_to: 0 squeezes the whole image, as the seed does; else its shorter side gets so many pixels, its longer
            side as many as keep its shape, and the square is cut from the centre.
    """

    image_size: int
    antialias: bool
    resize_to: int
    fixed: ClassVar[bool] = True

    def __call__(self, image: np.ndarray, index: int = 0) -> np.ndarray:
        """The same pixels, uint8 (S, S, 3), whatever the index.

        Raises:
            BadImageError: so narrow that it would have more than 89 million pixels with resize_to on its shorter side.
        """
        if not self.resize_to:
            return resize(image, self.image_size, antialias=self.antialias)
        height, width = (side * self.resize_to // min(image.shape[:2]) for side in image.shape[:2])
        if height * width > MAX_PIXELS:
            raise BadImageError(f"too narrow: {image.shape[1]}×{image.shape[0]} pixels")
        # Halves are rounded to even, as in torchvision's CenterCrop.
        top, left = (round((side - self.image_size) / 2) for side in (height, width))
        resized = resize(image, (height, width), antialias=self.antialias)
        return resized[top : top + self.image_size, left : left + self.image_size]


@dataclass(frozen=True)
class RandomResizedCrop:
    """A rectangle of random area, shape and place, squeezed into a square.

    Source: Szegedy et al., Going deeper with convolutions, CVPR 2015, section 6; the numbers are torchvision's.

    Attributes:
        image_size: side of the square, in pixels.
        antialias: as in `simam_jax.data.decode.resize`.
        least_area: of the rectangle, as a share of the image's.
        seed: the run's; with an image's place in the stream it decides.
    """

    image_size: int
    antialias: bool
    least_area: float
    seed: int
    fixed: ClassVar[bool] = False

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        """Pixels, uint8 (S, S, 3), as they are seen at place `index` of the stream."""
        height, width = image.shape[:2]
        rng = np.random.default_rng([self.seed, _CROP, index])
        rows, columns = random_rectangle(rng, height, width, least_area=self.least_area)
        return resize(image[rows, columns], self.image_size, antialias=self.antialias)


View = FixedView | RandomResizedCrop


def random_rectangle(rng: np.random.Generator, height: int, width: int, *, least_area: float) -> tuple[slice, slice]:
    """Rows and columns of a rectangle within an image.

    Its area is uniform from `least_area` to 1 of the image's, the logarithm of its width / height uniform from that of
    3/4 to that of 4/3, its place uniform. After ten that do not fit it is the largest such rectangle in the centre.
    """
    most = math.log(_MOST_OBLONG)
    for _ in range(_TRIES):
        area = height * width * rng.uniform(least_area, 1)
        ratio = math.exp(rng.uniform(-most, most))
        rows, columns = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 1 <= rows <= height and 1 <= columns <= width:
            top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
            return slice(top, top + rows), slice(left, left + columns)
    rows, columns = min(height, round(width * _MOST_OBLONG)), min(width, round(height * _MOST_OBLONG))
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)


def eval_view(*, image_size: int, antialias: bool, resize_to: int, **_: Any) -> FixedView:
    """How the fields of a config's `data` show images that are evaluated or asked about; the others are passed over.

    Raises:
        ValueError: an image_size below 1, or a resize_to below image_size that is not 0.
    """
    if image_size < 1:
        raise ValueError(f"image_size must be at least 1 pixel, got {image_size}")
    if resize_to and resize_to < image_size:
        raise ValueError(f"resize_to must be 0 or at least image_size, which is {image_size} pixels; got {resize_to}")
    return FixedView(image_size, antialias, resize_to)


def train_view(*, seed: int, random_resized_crop: float, **data: Any) -> View:
    """How the fields of a config's `data` show images that are trained on.

    Args:
        seed: the run's.
        random_resized_crop: the least area of a random crop as a share of the image's; 0 shows what evaluation shows.
        data: the other fields.

    Raises:
        ValueError: as `eval_view`, or a random_resized_crop that is not from 0 to 1.
    """
    if not 0 <= random_resized_crop <= 1:
        raise ValueError(f"random_resized_crop is a share of an image's area, from 0 to 1; got {random_resized_crop}")
    fixed = eval_view(**data)
    if not random_resized_crop:
        return fixed
    return RandomResizedCrop(fixed.image_size, fixed.antialias, random_resized_crop, seed)
