"""Short texts as pixels, ten times faster than Pillow writes them: each character is drawn once and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tbcli.naming.shortening import number_duplicates, shortened_names

if TYPE_CHECKING:
    from tbcli.figures.lettering import Lettering

_LAST_SIMPLE = 0x52F  # Latin, Greek and Cyrillic: all in the usual font, and one character at a time looks right


@lru_cache(maxsize=8)
def letters_for(names: tuple[str, ...]) -> Letters:
    """Return letters that can write all the names; remembered, for every epoch asks for them."""
    return Letters(names)


class Letters:
    """Writes texts in the font that matplotlib brings, and in one of the system's where that lacks a character.

    Args:
        names: Texts that may need another font; anything else must be of the usual one.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._unusual = tuple(name for name in names if not _is_simple(name))
        self._pixels: dict[tuple[str, int], np.ndarray] = {}

    def pixels(self, text: str, size: int) -> np.ndarray:
        """Return how much ink covers each pixel of one line of text ``[height, width]``, 0 to 255.

        Args:
            text: Anything; what cannot be printed becomes a blank.
            size: Of the font, in pixels.
        """
        text = "".join(char if char.isprintable() else " " for char in text)
        if _is_simple(text):
            return np.concatenate([self._drawn(char, size) for char in text or " "], axis=1)
        return self._drawn(text, size)

    def width(self, text: str, size: int) -> int:
        """Return how wide a text is, in pixels."""
        return int(self.pixels(text, size).shape[1])

    def fitted(self, text: str, size: int, pixels: int) -> str:
        """Return the text, cut with an ellipsis to fit a width in pixels."""
        if not text or self.width(text, size) <= pixels:
            return text
        length = len(text) - 1
        while length > 0 and self.width(text[:length] + "…", size) > pixels:
            length -= 1
        return text[:length].rstrip() + "…"

    def class_labels(self, names: Sequence[str], size: int, pixels: int) -> list[str]:
        """Return the names of classes, none wider than a width in pixels; different names stay different.

        ``class 3`` stands for a name that no font here can draw.
        """
        simple = all(map(_is_simple, names))
        names = number_duplicates(names) if simple else _families(self._unusual)[0].class_labels(names)
        return shortened_names(names, pixels, lambda text: self.width(text, size))

    def _drawn(self, text: str, size: int) -> np.ndarray:
        if (text, size) not in self._pixels:
            self._pixels[text, size] = self._draw(text, size)
        return self._pixels[text, size]

    def _draw(self, text: str, size: int) -> np.ndarray:
        usual = _font(_usual_path(), size)
        font = usual
        if not _is_simple(text):
            text, path = _legible(text, self._unusual)
            try:
                font = _font(path, size)
            except OSError:  # a font of fixed sizes, as those of coloured pictures are
                font = usual
        picture = Image.new("L", (max(1, round(font.getlength(text))), sum(usual.getmetrics())))
        ImageDraw.Draw(picture).text((0, usual.getmetrics()[0]), text, fill=255, font=font, anchor="ls")
        return np.asarray(picture)


def _is_simple(text: str) -> bool:
    return text.isascii() or all(ord(char) <= _LAST_SIMPLE or char == "…" for char in text)


@cache
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@cache
def _usual_path() -> str:
    """Return the font that comes with matplotlib, found without loading it."""
    package = find_spec("matplotlib")
    assert package is not None  # declared by the package
    assert package.origin is not None
    return str(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf")


def _legible(text: str, names: tuple[str, ...]) -> tuple[str, str]:
    """Return the text, with a question mark for what no font here has, and the font that draws most of it."""
    from matplotlib import font_manager

    lettering, paths = _families(names)
    text = lettering.legible(text)

    def drawn(path: str) -> int:
        font = font_manager.get_font(path)
        return sum(bool(font.get_char_index(ord(char))) for char in text)

    return text, max(paths, key=drawn)


@lru_cache(maxsize=8)
def _families(names: tuple[str, ...]) -> tuple[Lettering, list[str]]:
    """Search the system's fonts, once for all names: that takes up to a third of a second."""
    from matplotlib import font_manager

    from tbcli.figures.lettering import lettering_for

    lettering = lettering_for(names)
    properties = [font_manager.FontProperties(family=[family]) for family in lettering.families]
    return lettering, [str(font_manager.findfont(wanted)) for wanted in properties]
