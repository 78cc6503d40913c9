"""A grid of samples as they are in the data, each with what its label says."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tbcli.figures.png.letters import letters_for
from tbcli.figures.png.sheet import INK, Sheet, as_colours, fitted_size

_WIDTH = 840  # of the sheet, in pixels, if the cells allow it
_CELL = (90, 210)  # least and most
_MARGIN = 5
_SIZE, _LINE = 11, 14  # of the letters


def draw_examples(images: np.ndarray, captions: Sequence[str], title: str = "") -> tuple[bytes, tuple[int, int]]:
    """Draw images with a caption below each.

    Args:
        images: ``[n, height, width, 1 or 3]``, at least one; see `as_bytes` on their values.
        captions: One line each; the same text for the same class.
        title: A line above all.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    columns = max(1, math.ceil(math.sqrt(1.4 * len(images))))
    rows = -(-len(images) // columns)
    cell = min(max(_WIDTH // columns, _CELL[0]), _CELL[1])
    room, top = cell - 2 * _MARGIN, _LINE + 2 * _MARGIN if title else 0
    height, width = fitted_size(images.shape[1:], room)
    cell_height = height + _LINE + 3 * _MARGIN
    different = list(dict.fromkeys(captions))
    letters = letters_for((*different, title))
    shown = dict(zip(different, letters.class_labels(different, _SIZE, room), strict=True))
    sheet = Sheet(max(columns * cell, letters.width(title, _SIZE + 1) + 2 * _MARGIN), top + rows * cell_height, letters)
    sheet.text(_MARGIN, _MARGIN, title, INK, _SIZE + 1)
    for number, (image, caption) in enumerate(zip(as_bytes(images), captions, strict=True)):
        x, y = number % columns * cell + _MARGIN, top + number // columns * cell_height + _MARGIN
        sheet.paste(x + (room - width) // 2, y, as_colours(image, height, width))
        sheet.text(x + room / 2, y + height + _MARGIN, shown[caption], INK, _SIZE, align="centre")
    return sheet.png()


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Return values as pixels 0 to 255 of the same shape, uint8; NaN is black.

    Bytes stay as they are, 0 to 1 and -1 to 1 are scaled, others go from least to most.
    """
    if images.dtype == np.uint8:
        return images
    values = np.nan_to_num(images.astype(np.float32))
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if low >= 0 and 1 < high <= 255:
        high = 255.0
    elif low >= -1 and high <= 1:
        low, high = (-1.0, 1.0) if low < 0 else (0.0, 1.0)
    return ((values - low) * (255 / max(high - low, 1e-12))).round().clip(0, 255).astype(np.uint8)
