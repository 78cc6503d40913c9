"""A sheet to draw on every epoch: NumPy blocks and letters, at the size at which TensorBoard shows an image.

TensorBoard scales every image to 350 pixels of width, dropping pixels where it is wider: letters that are smaller than
the thumbnail needs are torn. So a sheet is that wide if it can be.
"""

from __future__ import annotations

import numpy as np

from tbcli.figures.png.encoding import encode_png
from tbcli.figures.png.letters import Letters

THUMBNAIL_WIDTH = 350
WHITE, INK, FAINT, EMPTY = (255, 255, 255), (32, 33, 36), (95, 99, 104), (236, 236, 236)
RIGHT, WRONG = (0, 103, 165), (184, 67, 0)  # blue and vermillion: told apart with deuteranopia too
Colour = tuple[int, int, int]


class Sheet:
    """A white picture that fills from blocks of pixels and lines of text.

    Args:
        width: In pixels.
        height: In pixels.
        letters: What its texts are written in.
    """

    def __init__(self, width: int, height: int, letters: Letters) -> None:
        self.pixels = np.full((height, width, 3), 255, np.uint8)
        self.letters = letters

    @property
    def width(self) -> int:
        """In pixels."""
        return self.pixels.shape[1]

    def paste(self, x: int, y: int, block: np.ndarray) -> None:
        """Put pixels ``[height, width, 3]`` with their top left corner at a place."""
        self.pixels[y : y + block.shape[0], x : x + block.shape[1]] = block

    def frame(self, x: int, y: int, width: int, height: int, colour: Colour, thickness: int) -> None:
        """Draw a frame around an area, outside of it."""
        top, left, bottom, right = y - thickness, x - thickness, y + height + thickness, x + width + thickness
        for rows, columns in (
            (slice(top, y), slice(left, right)),
            (slice(y + height, bottom), slice(left, right)),
            (slice(top, bottom), slice(left, x)),
            (slice(top, bottom), slice(x + width, right)),
        ):
            self.pixels[rows, columns] = colour

    def text(
        self, x: float, y: float, text: str, colour: Colour, size: int, *, align: str = "left", upright: bool = False
    ) -> None:
        """Write one line; what reaches over the edge of the sheet is cut.

        Args:
            x: Where it begins, its middle is or it ends, as ``align`` says: ``left``, ``centre`` or ``right``.
            y: Its upper edge; with ``upright`` its lower end.
            text: What to write.
            colour: Of the letters.
            size: Of the font, in pixels.
            align: Across the sheet.
            upright: Whether it reads from bottom to top.
        """
        ink = self.letters.pixels(text, size)
        if upright:
            ink = np.rot90(ink)
            y -= ink.shape[0]
        left = max(0, round(x - ink.shape[1] * {"left": 0.0, "centre": 0.5, "right": 1.0}[align]))
        top = max(0, round(y))
        area = self.pixels[top : top + ink.shape[0], left : left + ink.shape[1]]
        covered = ink[: area.shape[0], : area.shape[1], None].astype(np.int32)
        area[:] = (area * (255 - covered) + np.array(colour) * covered) // 255

    def png(self) -> tuple[bytes, tuple[int, int]]:
        """Return the sheet as PNG, packed quickly rather than tightly, and its size (width, height) in pixels."""
        height, width, _ = self.pixels.shape
        return encode_png(self.pixels), (width, height)


def as_colours(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return pixels 0 to 255 ``[h, w, 1 or 3]`` as a block ``[height, width, 3]`` uint8, each pixel where it was.

    The nearest pixel is taken, so that a small image stays as sharp as it is; values outside of 0 to 255 are cut.
    """
    rows = np.arange(height) * image.shape[0] // height
    columns = np.arange(width) * image.shape[1] // width
    block = image[rows[:, None], columns]
    if block.dtype != np.uint8:
        block = np.clip(np.nan_to_num(block), 0, 255).astype(np.uint8)
    return np.broadcast_to(block, (height, width, 3))


def fitted_size(shape: tuple[int, ...], room: int) -> tuple[int, int]:
    """Return height and width at which an image of shape ``[h, w, ...]`` fills a square room, its proportions kept."""
    height, width = shape[:2]
    longest = max(height, width)
    return max(1, round(room * height / longest)), max(1, round(room * width / longest))
