"""A class tree with every kind of image file that could be stored or decoded otherwise than a plain one."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

ROTATED = 6  # the EXIF orientation


def _encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _pixels(number: int, channels: int, dtype=np.uint8) -> np.ndarray:
    size = (11, 7 + number % 3, channels) if channels > 1 else (11, 7 + number % 3)
    return np.random.default_rng(number).integers(0, np.iinfo(dtype).max + 1, size, dtype=dtype)


def kinds() -> dict[str, bytes]:
    """File name → bytes."""
    exif = Image.Exif()
    exif[0x0112] = ROTATED
    colour, grey = Image.fromarray(_pixels(0, 3)), Image.fromarray(_pixels(1, 1))
    return {
        "rotated.jpg": _encoded(colour, "JPEG", exif=exif),
        "plain.jpg": _encoded(colour, "JPEG"),
        "cmyk.jpg": _encoded(colour.convert("CMYK"), "JPEG"),
        "deep.png": _encoded(Image.fromarray(_pixels(2, 1, np.uint16)), "PNG"),
        "alpha.png": _encoded(Image.fromarray(_pixels(3, 4)), "PNG"),
        "palette.gif": _encoded(colour.quantize(16), "GIF"),
        "grey.tiff": _encoded(grey, "TIFF"),
        "deep.tif": _encoded(Image.fromarray(_pixels(4, 1, np.uint16)), "TIFF"),
        "two words.webp": _encoded(colour, "WEBP", lossless=True),
        "two!.bmp": _encoded(grey, "BMP"),
    }


def make_many_kinds(root: Path) -> Path:
    """Writes two classes of them, a name that is no UTF-8, and two bad files."""
    for class_name in ("10 mixed", "猫"):
        (root / class_name).mkdir(parents=True)
        for name, data in kinds().items():
            (root / class_name / name).write_bytes(data)
    (root / "猫" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(kinds()["plain.jpg"])
    (root / "猫" / "broken.jpg").write_bytes(kinds()["plain.jpg"][:-40])
    (root / "10 mixed" / "zz.txt").write_bytes(b"no image")
    return root
