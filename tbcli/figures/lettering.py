"""Names in any script, readable in a figure: which fonts are needed, what they lack, how wide a text is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FAMILY = "DejaVu Sans"  # comes with matplotlib, so it is everywhere
NO_GLYPH = "\u25af"  # an empty box, which FAMILY has
_LIKELY = ("cjk", "noto", "emoji", "symbol", "han", "hei", "gothic", "ming", "song", "unicode", "unifont", "stix")
_LAST_RESORT = "last resort"  # has a placeholder for every character, a letter for none
_MOST_FONTS = 300  # opened in search of a glyph, a millisecond each


@dataclass(frozen=True, slots=True)
class Lettering:
    """The font families of a figure, in the order they are asked for a glyph.

    Args:
        families: The usual one, and those that fill its gaps.
        lacking: Characters that no font here can draw.
    """

    families: tuple[str, ...] = (FAMILY,)
    lacking: frozenset[str] = frozenset()

    def legible(self, text: str) -> str:
        """Return one line of characters that can all be drawn."""
        return "".join(NO_GLYPH if char in self.lacking else char for char in _one_line(text))

    def width(self, text: str, points: float) -> float:
        """Return how wide a legible text is at a font size, in inches."""
        paths = [font_manager.findfont(font_manager.FontProperties(family=[family])) for family in self.families]
        font = font_manager.get_font(paths)
        font.set_size(points, 72)
        font.set_text(text, 0)
        return float(font.get_width_height()[0]) / 64 / 72

    def fitted(self, text: str, points: float, inches: float) -> str:
        """Return the legible text, cut with an ellipsis where it would be wider than that."""
        text = self.legible(text)
        if self.width(text, points) <= inches:
            return text
        fits, too_long = 0, len(text)
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            if self.width(text[:middle] + "…", points) <= inches:
                fits = middle
            else:
                too_long = middle
        return text[:fits].rstrip() + "…"


def lettering_for(texts: Iterable[str]) -> Lettering:
    """Return the families that can draw the texts; the system's fonts are searched for what the usual one lacks."""
    chars = {char for text in texts if not text.isascii() for char in _one_line(text)}
    usual = font_manager.get_font(font_manager.findfont(FAMILY))
    lacking = {char for char in chars if not usual.get_char_index(ord(char))}
    families = [FAMILY]
    for entry in _candidates() if lacking else ():
        drawn = _drawable(entry.fname, lacking)
        if drawn:
            families.append(entry.name)
            lacking -= drawn
        if not lacking:
            break
    return Lettering(tuple(families), frozenset(lacking))


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _candidates() -> list[font_manager.FontEntry]:
    """Return one upright font of ordinary weight a family, the likely ones first."""
    families = {
        entry.name: entry
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal", "regular", "book")
    }

    def unlikely(entry: font_manager.FontEntry) -> tuple[bool, str]:
        return not any(word in entry.name.lower() for word in _LIKELY), entry.name

    useful = [entry for name, entry in families.items() if name != FAMILY and _LAST_RESORT not in name.lower()]
    return sorted(useful, key=unlikely)[:_MOST_FONTS]


def _drawable(path: str, chars: set[str]) -> set[str]:
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):  # gone since matplotlib listed it, or damaged
        return set()
    return {char for char in chars if font.get_char_index(ord(char))}
