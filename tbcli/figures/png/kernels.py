"""Kernels of a convolution as a grid of tiles: in colour where they look at colours, else around zero."""

from __future__ import annotations

import math

import numpy as np

from tbcli.figures.colours import LIGHT, as_rgb
from tbcli.figures.png.letters import letters_for
from tbcli.figures.png.sheet import EMPTY, FAINT, INK, THUMBNAIL_WIDTH, Sheet, fitted_size

MOST_KERNELS = 64
MOST_ROWS = 16  # kernels, where each has a row
MOST_CHANNELS = 8  # columns, where each input channel has one
_MARGIN, _GAP, _SIZE, _LINE = 6, 6, 10, 14
_LARGEST_TILE, _LARGEST_OF_MANY, _BAR = 64, 28, 90  # pixels
_LINED = (150, 150, 150)
_NEGATIVE, _POSITIVE = (as_rgb(colour).astype(int) for colour in (LIGHT.train, LIGHT.validation))


def draw_kernels(kernels: np.ndarray, name: str) -> tuple[bytes, tuple[int, int]]:
    """Draw every kernel, all to one scale, which is written below; row by row in the order of the output channels.

    Kernels of three input channels are drawn as RGB, with zero as mid grey; of one in a colour for each sign, white at
    zero; of any other number with a row for each kernel and a column for each input channel.

    Args:
        kernels: Weights ``[height, width, input channels, output channels]``; what is not finite is grey.
        name: A line above all begins with it.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    height, width, inputs, _ = kernels.shape
    has_rows = inputs not in (1, 3)
    shown = kernels[..., :MOST_CHANNELS, : MOST_ROWS if has_rows else MOST_KERNELS]
    limit = float(np.max(np.abs(kernels), where=np.isfinite(kernels), initial=0))
    tiles = kernel_tiles(shown, limit)
    across = shown.shape[2] if has_rows else max(1, math.ceil(math.sqrt(2 * len(tiles))))
    room = (THUMBNAIL_WIDTH - 2 * _MARGIN + _GAP) // across - _GAP
    tall, wide = fitted_size((height, width), min(_LARGEST_OF_MANY if has_rows else _LARGEST_TILE, room))
    letters = letters_for(())
    top, rows = 2 * _LINE + 2 * _MARGIN, -(-len(tiles) // across)
    sheet = Sheet(THUMBNAIL_WIDTH, top + rows * (tall + _GAP) + _LINE + _MARGIN, letters)
    sheet.text(_MARGIN, _MARGIN, letters.fitted(name, _SIZE + 1, THUMBNAIL_WIDTH - 2 * _MARGIN), INK, _SIZE + 1)
    sheet.text(_MARGIN, _MARGIN + _LINE, _told(kernels.shape, shown.shape), FAINT, _SIZE)
    # All at once, each pixel repeated to its place: one tile after the other takes three times as long.
    enlarged = tiles[:, (np.arange(tall) * height // tall)[:, None], np.arange(wide) * width // wide]
    for number, pixels in enumerate(enlarged):
        x, y = _MARGIN + number % across * (wide + _GAP), top + number // across * (tall + _GAP)
        sheet.pixels[y - 1 : y + tall + 1, x - 1 : x + wide + 1] = _LINED  # a line round it: white is a weight, too
        sheet.paste(x, y, pixels)
    _draw_scale(sheet, limit, is_rgb=inputs == 3)
    return sheet.png()


def kernel_tiles(kernels: np.ndarray, limit: float) -> np.ndarray:
    """Return the colours of each tile ``[tiles, height, width, 3]``, uint8.

    Args:
        kernels: ``[height, width, input channels, output channels]``; a kernel of three input channels is one tile, of
            any other each of its input channels is.
        limit: The size of the weight that gets the full colour; 0 where all are zero.
    """
    height, width, inputs, _ = kernels.shape
    finite = np.isfinite(kernels)
    shares = np.clip(np.where(finite, kernels, 0) / (limit or 1.0), -1, 1)  # of the limit, from -1 to 1
    if inputs == 3:
        tiles = (127.5 + 127.5 * shares).transpose(3, 0, 1, 2)
        missing = ~finite.transpose(3, 0, 1, 2).all(axis=-1)
    else:
        flat = shares.transpose(3, 2, 0, 1).reshape(-1, height, width)
        tiles = signed_colours(flat)
        missing = ~finite.transpose(3, 2, 0, 1).reshape(-1, height, width)
    tiles[missing] = EMPTY
    return np.asarray(tiles.round(), np.uint8)


def signed_colours(shares: np.ndarray) -> np.ndarray:
    """Return colours ``[..., 3]``, 0 to 255, of values from -1, blue, over 0, white, to 1, orange."""
    full = np.where(shares[..., None] < 0, _NEGATIVE, _POSITIVE)
    colours: np.ndarray = 255 - np.abs(shares)[..., None] * (255 - full)
    return colours


def _told(shape: tuple[int, ...], shown: tuple[int, ...]) -> str:
    """Say how many kernels ``[height, width, input channels, output channels]`` there are, and which are shown."""
    height, width, inputs, count = shape
    kernels = f"{_of_all(shown[3], count)} kernel{'' if count == 1 else 's'} of {height} x {width}"
    if inputs in (1, 3):
        return f"{kernels}, in RGB" if inputs == 3 else kernels
    return f"{kernels} (rows) by {_of_all(shown[2], inputs)} input channels"


def _of_all(shown: int, count: int) -> str:
    return str(count) if shown == count else f"the first {shown} of {count}"


def _draw_scale(sheet: Sheet, limit: float, *, is_rgb: bool) -> None:
    """Draw the colours from the lowest to the highest weight, zero in the middle."""
    y = sheet.pixels.shape[0] - _LINE - _MARGIN // 2
    shares = np.linspace(-1, 1, _BAR)
    ramp = np.repeat(127.5 + 127.5 * shares[:, None], 3, axis=1) if is_rgb else signed_colours(shares)
    low, high = f"{-limit:.2g}", f"{limit:.2g}"
    left = _MARGIN + sheet.letters.width(low, _SIZE) + _GAP
    sheet.text(_MARGIN, y, low, FAINT, _SIZE)
    sheet.frame(left, y + 2, _BAR, 8, EMPTY, 1)
    sheet.paste(left, y + 2, np.broadcast_to(ramp.round().astype(np.uint8), (8, _BAR, 3)))
    sheet.text(left + _BAR + _GAP, y, high, FAINT, _SIZE)
    zero = "mid grey is 0" if is_rgb else "white is 0"
    sheet.text(sheet.width - _MARGIN, y, zero, FAINT, _SIZE, align="right")
