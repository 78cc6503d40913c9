"""One image file becomes pixels: upright, on white, 8 bits, and of the size that was asked for."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".bmp", ".dib", ".webp")
SNIFFED_BYTES = 16
"""So many bytes from the beginning of a file tell whether it is an image."""
_DEEP_GREYS = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_GREYS = ("1", "L", "LA", *_DEEP_GREYS)
_SEE_THROUGH = ("LA", "La", "PA", "RGBA", "RGBa")
_ORIENTATION = 0x0112  # EXIF's tag
_SIDEWAYS = (5, 6, 7, 8)  # of its values: width and height change places
_GAP = 2.0  # a big image is first reduced in whole steps to so many times its size, then filtered


class BrokenImage(Exception):  # noqa: N818 - reads as what it says at the raise
    """A file that cannot be decoded; the message says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image's header tells.

    Args:
        height: As it is to be seen, in pixels.
        width: The same.
        is_grey: Whether it is stored without colours.
    """

    height: int
    width: int
    is_grey: bool


def is_image(beginning: bytes) -> bool:
    """Return whether a file that begins with these bytes is an image of a format that is read."""
    return (
        beginning.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"))
        or (beginning[:2] == b"BM" and beginning[6:10] == bytes(4))
        or (beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP")
    )


def read_header(file: IO[bytes]) -> ImageHeader:
    """Return size and colours of an image without decoding it.

    Raises:
        BrokenImage: The header cannot be read.
    """
    with _opened(file) as image:
        height, width = image.height, image.width
        if _orientation(image) in _SIDEWAYS:
            height, width = width, height
        return ImageHeader(height, width, image.mode in _GREYS)


def decode_image(content: bytes, size: tuple[int, int] | None, channels: int) -> np.ndarray:
    """Return an image as pixels ``[height, width, channels]``, uint8.

    It is turned as its EXIF orientation says, transparency shows white, of an animation the first frame is taken, and
    16 bits of grey are scaled to 8.

    Args:
        content: Of the file.
        size: Height and width to scale to; the proportions change with them. None leaves the size alone.
        channels: 1 for grey, 3 for RGB.

    Raises:
        BrokenImage: The content is not an image, or a part of it is missing.
    """
    with _opened(io.BytesIO(content)) as opened:
        orientation = _orientation(opened)
        target = None if size is None else size if orientation in _SIDEWAYS else (size[1], size[0])
        mode = "L" if channels == 1 else "RGB"
        image: Image.Image = opened
        try:
            if (
                target and opened.format in ("JPEG", "MPO") and opened.mode in ("L", "RGB")
            ):  # not as many pixels to decode
                opened.draft(mode, (round(_GAP * target[0]), round(_GAP * target[1])))
            opened.load()
            image = _flattened(opened, mode)
            if target and image.size != target:
                image = image.resize(target, Image.Resampling.BILINEAR, reducing_gap=_GAP)
            if orientation > 1:
                image.getexif()[_ORIENTATION] = orientation
                image = ImageOps.exif_transpose(image)
            pixels = np.asarray(image)
        except Exception as error:
            raise _broken(error) from error
    return pixels.reshape(*pixels.shape[:2], channels)


def _opened(file: IO[bytes]) -> Image.Image:
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        file.seek(0)
        beginning = file.read(SNIFFED_BYTES)
        found = "its header is damaged" if is_image(beginning) else "it is not an image" if beginning else "it is empty"
        raise BrokenImage(found) from error
    except Exception as error:
        raise _broken(error) from error


def _broken(error: Exception) -> BrokenImage:
    return BrokenImage((str(error) or type(error).__name__).splitlines()[0])


def _orientation(image: Image.Image) -> int:
    """Return how the camera was held; 1 is upright, also where nothing is told."""
    if "exif" not in image.info:  # asking costs more than decoding a small image
        return 1
    try:
        told = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF data come as any exception, and the picture is good
        return 1
    return told if isinstance(told, int) and 1 <= told <= 8 else 1


def _flattened(image: Image.Image, mode: str) -> Image.Image:
    """Return a loaded image in a mode without transparency, ``L`` or ``RGB``."""
    if image.mode in _DEEP_GREYS:
        values = np.asarray(image).astype(np.float32) / 257
        image = Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))
    elif image.mode in _SEE_THROUGH or "transparency" in image.info:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        image = Image.alpha_composite(white, coloured).convert("RGB")
    return image if image.mode == mode else image.convert(mode)
