"""Pixels come out right whatever the format, and what is no image is said to be none."""

import io
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import sklearn
from PIL import Image

from simam_jax.data.decode import BadImageError, decode, resize

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
JPEGS = sorted((Path(sklearn.__file__).parent / "datasets" / "images").glob("*.jpg"))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def deep(pixels: np.ndarray, ending: str) -> bytes:
    return cv2.imencode(ending, pixels)[1].tobytes()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_lossless_formats_keep_rgb(kind):
    pixels = np.repeat(RNG.integers(0, 256, (5, 7, 1), dtype=np.uint8), 3, axis=-1) if kind == "GIF" else PIXELS
    image = Image.fromarray(pixels[..., 0]) if kind == "GIF" else Image.fromarray(pixels)
    decoded = decode(encoded(image, kind))
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_modes_convert_as_pil_does(mode):
    image = Image.fromarray(PIXELS).convert(mode)
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    np.testing.assert_array_equal(decode(encoded(image, kind)), np.asarray(image.convert("RGB")))


def test_cmyk_jpeg_is_not_inverted():
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert np.abs(decode(encoded(red, "JPEG")).astype(int) - (255, 0, 0)).max() < 8


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_over_black(mode):
    image = Image.new("RGBA", (3, 1), (200, 200, 200, 255)).convert(mode)
    image.putalpha(Image.fromarray(np.array([[0, 128, 255]], np.uint8)))
    np.testing.assert_array_equal(decode(encoded(image, "PNG"))[0, :, 0], [0, round(200 * 128 / 255), 200])


def test_transparent_palette_entry_is_black():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 255, 255, 10, 20, 30])
    image.putpixel((1, 0), 1)
    decoded = decode(encoded(image, "PNG", transparency=0))
    np.testing.assert_array_equal(decoded, [[[0, 0, 0], [10, 20, 30]]])


def test_16_bit_grey_is_scaled_and_not_clipped():
    values = np.array([[0, 128, 129, 255, 256, 32768, 65535]], np.uint16)
    expected = np.rint(values / 257)
    for ending in (".png", ".tiff", ".pgm"):
        np.testing.assert_array_equal(decode(deep(values, ending))[..., 1], expected, err_msg=ending)


@pytest.mark.parametrize("ending", [".png", ".tiff", ".ppm"])
def test_16_bit_colour_is_rounded_and_not_cut(ending):
    values = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    decoded = decode(deep(values[..., ::-1], ending))
    np.testing.assert_array_equal(decoded, np.rint(values / 257))
    assert (decoded != values >> 8).any()


def test_16_bit_alpha_is_laid_over_black():
    values = np.array([[[65535, 30000, 100, 0], [65535, 30000, 100, 32768], [65535, 30000, 100, 65535]]], np.uint16)
    decoded = decode(deep(values[..., [2, 1, 0, 3]], ".png"))
    np.testing.assert_array_equal(decoded, np.rint(values[..., :3] * (values[..., 3:] / 65535) / 257))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_undone(kind, orientation):
    transposed = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    stored = Image.fromarray(np.kron(PIXELS, np.ones((8, 8, 1), np.uint8)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, kind, exif=exif.tobytes())
    plain = Image.open(io.BytesIO(encoded(stored, kind)))
    upright = plain.transpose(transposed[orientation]) if orientation > 1 else plain
    for trusted in (False, True):
        np.testing.assert_array_equal(decode(data, trusted=trusted), np.asarray(upright))


def test_orientation_of_16_bit_colour_is_undone():
    exif = Image.Exif()
    exif[0x0112] = 6
    chunk = exif.tobytes().removeprefix(b"Exif\0\0")
    values = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    png = deep(values[..., ::-1], ".png")
    at = png.index(b"IDAT") - 4
    body = b"eXIf" + chunk
    with_exif = png[:at] + len(chunk).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big") + png[at:]
    np.testing.assert_array_equal(decode(with_exif), np.rot90(np.rint(values / 257), -1))


def test_only_the_first_frame_counts():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "PNG", "TIFF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(decode(data), np.full((4, 4, 3), (255, 0, 0)), err_msg=kind)


@pytest.mark.parametrize("path", JPEGS, ids=lambda path: path.name)
def test_trusted_jpegs_have_the_same_pixels(path):
    data = path.read_bytes()
    expected = np.asarray(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(decode(data), expected)
    np.testing.assert_array_equal(decode(data, trusted=True), expected)
    grey = encoded(Image.open(path).convert("L"), "JPEG")
    np.testing.assert_array_equal(decode(grey, trusted=True), decode(grey))


@pytest.mark.parametrize("trusted", [False, True])
def test_bad_files_say_why(trusted):
    jpeg = encoded(Image.fromarray(np.tile(PIXELS, (20, 20, 1))), "JPEG")
    png = encoded(Image.fromarray(np.tile(PIXELS, (20, 20, 1))), "PNG")
    for data, reason in [
        (b"", "empty file"),
        (b"just text", "not an image"),
        (b"\xff\xd8\xff", "not an image"),
        (jpeg[: len(jpeg) // 2], "truncated"),
        (jpeg[:-2], "truncated"),
        (png[: len(png) // 2], "truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image"),
    ]:
        with pytest.raises(BadImageError, match=reason):
            decode(data, trusted=trusted)


def reason(data: bytes) -> str:
    """Why bytes are no image, empty where they are one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            decode(data)
        except BadImageError as error:
            return str(error)
    return ""


def test_damage_never_raises_anything_else():
    tile = Image.fromarray(np.tile(PIXELS, (4, 4, 1)))
    files = [encoded(tile, kind) for kind in ("JPEG", "PNG", "GIF", "TIFF", "BMP")]
    files.append(deep(RNG.integers(0, 65536, (9, 9, 3), dtype=np.uint16), ".png"))
    reasons = []
    for data in files:
        for _ in range(60):
            damaged = bytearray(data)
            for place in RNG.integers(0, len(data), 3):
                damaged[place] = RNG.integers(256)
            reasons.append(reason(bytes(damaged)))
    assert sum(map(bool, reasons)) > 50
    assert all(len(one) < 200 and "\n" not in one for one in reasons)


def test_decompression_bombs_are_bad_images():
    for side in (10_000, 20_000):  # PIL warns of the first and refuses the second
        bomb = encoded(Image.new("1", (side, side)), "PNG")
        assert len(bomb) < 100_000
        with pytest.raises(BadImageError, match="too large"):
            decode(bomb)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(BadImageError, match="too large"):
            decode(encoded(Image.new("1", (10_000, 10_000)), "PNG"))


def test_resize_without_antialiasing_is_opencvs():
    image = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    expected = cv2.resize(image.astype(np.float64), (16, 16), interpolation=cv2.INTER_LINEAR)
    resized = resize(image, 16, antialias=False)
    assert resized.dtype == np.uint8
    assert np.abs(resized - expected).max() <= 1


def test_resize_with_antialiasing_is_pils():
    image = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((16, 16), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resize(image, 16, antialias=True), expected)
    assert (resize(image, 16, antialias=False) != expected).any()


@pytest.mark.parametrize("antialias", [False, True])
def test_resize_keeps_an_image_of_the_size(antialias):
    image = RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize(image, 16, antialias=antialias), image)
