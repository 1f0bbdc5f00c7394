"""From the bytes of an image file to pixels, one way for every file format."""

import functools
import io
import warnings

import numpy as np
from PIL import Image, ImageFile

# EPS and the like are left out on purpose: opening them starts other programs.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "MPO", "PPM", "JPEG2000", "AVIF", "ICO", "DIB")
MAX_PIXELS = 89_478_485  # PIL's own bound, a quarter of a gigabyte of RGB
# Such an image is refused below, with a reason.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
_ORIENTATION = 0x0112  # the EXIF tag


class BadImageError(ValueError):
    """Bytes that are not a whole image; the message is the reason, a few words long."""


def decode(data: bytes, *, trusted: bool = False) -> np.ndarray:
    """Decodes an image file to uint8 RGB pixels of shape (H, W, 3), upright.

    The bytes alone say what the format is. Colours are those of PIL's `convert("RGB")`, with these rules: alpha is laid
    over black, 16-bit samples are scaled by 1/257 and rounded, the EXIF orientation is applied, an animation gives its
    first frame.

    Args:
      data: the file's bytes.
      trusted: the file was decoded before and found whole, so a plain JPEG may go through OpenCV: the same pixels at
        twice the speed, but some damage passes unnoticed.

    Raises:
      BadImageError: empty, not an image, truncated, damaged, or more than 89 million pixels.
    """
    if not data:
        raise BadImageError("empty file")
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadImageError(f"too large: {image.width}×{image.height} pixels")
            return _pixels(image, data, trusted)
    except (BadImageError, MemoryError):
        raise
    except Image.UnidentifiedImageError:
        raise BadImageError("not an image") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImageError("too large: a decompression bomb") from None
    except Exception as error:  # PIL's decoders raise almost anything on damaged bytes
        raise BadImageError(_reason(error)) from error


def resize(image: np.ndarray, size: int | tuple[int, int], *, antialias: bool) -> np.ndarray:
    """Resizes uint8 (H, W, 3) bilinearly; an image that has the size already comes back as it is.

    Args:
      image: the pixels.
      size: height and width, or the side of a square, in pixels.
      antialias: False is OpenCV's `INTER_LINEAR`, which is what the seed used and which skips pixels when it shrinks;
        True is PIL's `BILINEAR`, whose support grows with the shrinking.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if image.shape[:2] == (height, width):
        return image
    if antialias:
        return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    cv2 = _opencv()
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _pixels(image: ImageFile.ImageFile, data: bytes, trusted: bool) -> np.ndarray:
    if image.format == "JPEG" and image.mode in ("RGB", "L") and trusted and data.endswith(b"\xff\xd9"):
        orientation, pixels = _orientation(image), _opencv_rgb(data)
    elif image.format in ("PNG", "TIFF") and image.mode in ("RGB", "RGBA", "LA") and ";16" in str(image.tile):
        orientation = _orientation(image)
        image.load()  # only PIL notices a truncated file
        pixels = _deep_rgb(data)
    else:
        image.load()
        orientation, pixels = _orientation(image), _rgb(image)
    return np.ascontiguousarray(_upright(pixels, orientation))


def _rgb(image: Image.Image) -> np.ndarray:
    if image.mode == "I" or image.mode.startswith("I;16"):
        grey = _from_16_bit(np.asarray(image.convert("I")))
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.has_transparency_data or image.mode in ("La", "RGBa", "PA"):
        rgba = np.asarray(image.convert("RGBA"), np.float32)
        return np.rint(rgba[..., :3] * (rgba[..., 3:] / 255)).astype(np.uint8)
    return np.asarray(image.convert("RGB"))


def _deep_rgb(data: bytes) -> np.ndarray:
    """16-bit colour, of which PIL keeps only the upper byte."""
    cv2 = _opencv()
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim != 3 or pixels.dtype != np.uint16:
        raise BadImageError("16-bit colour that cannot be decoded")
    rgb = pixels[..., 2::-1].astype(np.float64)
    return _from_16_bit(rgb * (pixels[..., 3:] / 65535) if pixels.shape[-1] == 4 else rgb)


def _from_16_bit(samples: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(samples, 0, 65535) / 257).astype(np.uint8)


def _opencv_rgb(data: bytes) -> np.ndarray:
    cv2 = _opencv()
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise BadImageError("damaged")
    return pixels


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # unreadable metadata does not spoil the picture
        return 1


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undoes EXIF orientation 1…8; any other value means 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _reason(error: Exception) -> str:
    if "truncated" in str(error).lower():
        return "truncated"
    return f"damaged: {' '.join(str(error).split()) or type(error).__name__}"


@functools.cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


@functools.cache
def _opencv():
    """OpenCV, imported where first needed; it runs on the caller's thread only."""
    import cv2

    cv2.setNumThreads(0)
    return cv2
