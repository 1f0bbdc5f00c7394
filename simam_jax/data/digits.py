"""Real handwritten digits that come with an installed package: 1797 images of 8×8, from scikit-learn."""

import functools
from collections.abc import Iterator

import numpy as np

from simam_jax.data.encode import encode_png
from simam_jax.data.original import Original


def digit_originals() -> Iterator[Original]:
    """Yields scikit-learn's `load_digits` as PNG files, in its order.

    Classes are "0" … "9", names `0000.png` … `1796.png` by the image's place in the set. Pixels are greyscale at native
    size; the set's values 0…16 are scaled by 255/16 and rounded, so that 16 becomes 255.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, doi:10.24432/C50P49.
    """
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    images = np.rint(values.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    for index, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        yield Original(class_name=str(label), name=f"{index:04d}.png", read=functools.partial(encode_png, pixels))
