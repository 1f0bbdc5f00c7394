"""What happens to pixels on the device: augmentation as pure functions of (key, image), and normalisation.

Images are uint8 (H, W, 3) here, one at a time: `jax.vmap` gives batches, each image with its own key.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, UInt8

Image = UInt8[Array, "H W 3"]
Augment = Callable[[Key[Array, ""], Image], Image]


def rotate(image: Image, degrees: Float[Array, ""]) -> Image:
    """Turns an image counter-clockwise about pixel (W / 2, H / 2); nearest neighbour, black where nothing was.

    Source: Paddle's `RandomRotation` (OpenCV's nearest `warpAffine`). PIL's turns about (W / 2 - 1/2).
    """
    height, width, channels = image.shape
    angle = jnp.deg2rad(degrees)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    y = jnp.arange(height)[:, None] - height / 2
    x = jnp.arange(width)[None, :] - width / 2
    from_x = jnp.round(cos * x - sin * y + width / 2).astype(jnp.int32)
    from_y = jnp.round(sin * x + cos * y + height / 2).astype(jnp.int32)
    inside = (from_x >= 0) & (from_x < width) & (from_y >= 0) & (from_y < height)
    place = jnp.where(inside, from_y * width + from_x, 0)
    return jnp.where(inside[..., None], image.reshape(-1, channels)[place], 0)


def random_rotation(key: Key[Array, ""], image: Image, *, degrees: float) -> Image:
    """Turns by an angle uniform in ±degrees."""
    return rotate(image, jax.random.uniform(key, minval=-degrees, maxval=degrees))


def random_flip(key: Key[Array, ""], image: Image) -> Image:
    """Mirrors left and right with probability 1/2."""
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)


def random_crop(key: Key[Array, ""], image: Image, *, padding: int) -> Image:
    """Pads with black on every side and cuts the image's own size out at a uniform place."""
    padded = jnp.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    top, left = jax.random.randint(key, (2,), 0, 2 * padding + 1)
    return jax.lax.dynamic_slice(padded, (top, left, 0), image.shape)


def create_augment(*, rotation: float = 0.0, flip: bool = False, crop: int = 0) -> Augment:
    """The augmentation that a config's `augment` describes, applied in the order crop, flip, rotation.

    Args:
        rotation: the largest angle in degrees; 0 is off.
        flip: whether to mirror half of the images.
        crop: pixels of padding before a random crop to the same size; 0 is off.

    Raises:
        ValueError: a negative rotation or crop.
    """
    if not 0 <= rotation <= 180:
        raise ValueError(f"rotation is an angle from 0 to 180 degrees, got {rotation}")
    if crop < 0:
        raise ValueError(f"crop is a padding in pixels, 0 or more, got {crop}")
    steps: list[Augment] = []
    if crop:
        steps.append(partial(random_crop, padding=crop))
    if flip:
        steps.append(random_flip)
    if rotation:
        steps.append(partial(random_rotation, degrees=rotation))

    def augment(key: Key[Array, ""], image: Image) -> Image:
        for place, step in enumerate(steps):
            image = step(jax.random.fold_in(key, place), image)
        return image

    return augment


def normalise(
    images: UInt8[Array, "*batch H W 3"], mean: Sequence[float], std: Sequence[float]
) -> Float[Array, "*batch H W 3"]:
    """(images / 255 - mean) / std, a channel at a time; mean and std in 0…1."""
    centre, scale = (
        jnp.asarray(values, jnp.float32).reshape((1,) * (images.ndim - 1) + (3,)) for values in (mean, std)
    )
    return (images.astype(jnp.float32) / 255 - centre) / scale
