"""Pictures small enough to stand in the page itself."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

_QUALITY = 80


def embedded(path: Path, side: int) -> str | None:
    """An image file as a data URI, no side longer than `side` pixels; None where it is none or cannot be read."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", (side, side))
            shown = _eight_bits(ImageOps.exif_transpose(image))
            shown.thumbnail((side, side), Image.Resampling.LANCZOS)
            written = io.BytesIO()
            shown.save(written, "WEBP", quality=_QUALITY, method=6)
    # What a damaged file makes Pillow raise is of many kinds.
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    return f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode()}"


def _eight_bits(image: Image.Image) -> Image.Image:
    """RGB, alpha over black, 16 bits scaled: as the networks see it."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.mode or "transparency" in image.info:
        transparent = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "black"), transparent).convert("RGB")
    return image.convert("RGB")
