"""From pixels to the bytes of an image file, for sources that have no files."""

import io

import numpy as np
from PIL import Image


def encode_png(pixels: np.ndarray) -> bytes:
    """Encodes uint8 (H, W) or (H, W, 3) pixels as PNG; the same pixels give the same bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
