"""Pictures small enough to keep thousands of them, alone or side by side in one."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from tbcli.figures.png.encoding import encode_png


def as_thumbnails(images: np.ndarray, longest_side: int) -> np.ndarray:
    """Return images as uint8 ``[n, height, width, 1 or 3]``, their proportions kept, none of their sides longer.

    Args:
        images: Pixels 0 to 255 ``[n, height, width, 1 or 3]``; values outside are cut, NaN is black.
        longest_side: In pixels; smaller images stay as they are.
    """
    pixels = images if images.dtype == np.uint8 else np.clip(np.nan_to_num(images), 0, 255).astype(np.uint8)
    height, width, channels = pixels.shape[1:]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pictures = (Image.fromarray(image[..., 0] if channels == 1 else image) for image in pixels)
    small = [np.asarray(picture.resize(size, Image.Resampling.BOX)) for picture in pictures]
    return np.array(small, np.uint8).reshape(-1, size[1], size[0], channels)


def sprite_columns(count: int) -> int:
    """Return how many thumbnails stand side by side in a sprite; it has as many rows."""
    return max(1, math.ceil(math.sqrt(count)))


def draw_sprite(thumbnails: np.ndarray) -> bytes:
    """Return one PNG of all thumbnails, row by row in a square grid whose last places stay black.

    That is the form in which TensorBoard's projector takes them.

    Args:
        thumbnails: ``[n, height, width, 1 or 3]`` uint8, at least one.
    """
    count, height, width, channels = thumbnails.shape
    columns = sprite_columns(count)
    grid = np.zeros((columns * columns, height, width, channels), np.uint8)
    grid[:count] = thumbnails
    sheet = grid.reshape(columns, columns, height, width, channels).swapaxes(1, 2)
    pixels = sheet.reshape(columns * height, columns * width, channels)
    return encode_png(pixels, level=1)
