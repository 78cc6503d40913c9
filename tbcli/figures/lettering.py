"""Names in any script, readable in a figure: which fonts are needed, what they lack, how wide a text is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from tbcli.naming.shortening import ELLIPSIS, number_duplicates, shortened_names

FAMILY = "DejaVu Sans"  # comes with matplotlib, so it is everywhere
UNKNOWN = "?"  # in place of a character that no font here has
_LIKELY = ("cjk", "noto", "emoji", "symbol", "han", "hei", "gothic", "ming", "song", "unicode", "unifont", "stix")
_LAST_RESORT = "last resort"  # has a placeholder for every character, a letter for none
_MOST_FONTS = 300  # opened in search of a glyph, one millisecond each
_CJK, _EMOJI = "Noto Sans CJK (Debian: fonts-noto-cjk)", "Noto Emoji (Google Fonts)"
_FONTS = {"CJK": _CJK, "HIRAGANA": _CJK, "KATAKANA": _CJK, "HANGUL": _CJK, "BOPOMOFO": _CJK, "IDEOGRAPHIC": _CJK}


@dataclass(frozen=True, slots=True)
class Lettering:
    """The font families of a figure, in the order they are asked for a glyph.

    Args:
        families: The usual one, and those that fill its gaps.
        lacking: Characters that no font here can draw.
    """

    families: tuple[str, ...] = (FAMILY,)
    lacking: frozenset[str] = frozenset()

    def draws(self, text: str) -> bool:
        """Say whether every character of a text can be drawn."""
        return self.lacking.isdisjoint(text)

    def legible(self, text: str) -> str:
        """Return one line of characters that can all be drawn, with question marks for the others."""
        return "".join(UNKNOWN if char in self.lacking else char for char in _one_line(text))

    def class_labels(self, names: Sequence[str]) -> list[str]:
        """Return different names of classes, ``class 3`` where a name cannot be drawn."""
        labels = [_one_line(name) if self.draws(name) else f"class {number}" for number, name in enumerate(names)]
        return number_duplicates(labels)

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
            if self.width(text[:middle] + ELLIPSIS, points) <= inches:
                fits = middle
            else:
                too_long = middle
        return text[:fits].rstrip() + ELLIPSIS

    def shortened(self, names: Sequence[str], points: float, inches: float) -> list[str]:
        """Return legible names that fit a width; different names stay different."""
        texts = [self.legible(name) for name in names]
        if len(set(texts)) < len(set(names)):  # question marks make them look alike
            texts = number_duplicates(texts)
        return shortened_names(texts, inches, lambda text: self.width(text, points))


def lettering_for(texts: Iterable[str]) -> Lettering:
    """Return the families that can draw the texts.

    What the usual font lacks is looked for in the fonts that matplotlib has listed; then, once, in those that the
    system has now: the list is kept from one process to the next, and a font may have been installed since.
    """
    return _lettering(frozenset(char for text in texts if not text.isascii() for char in _one_line(text)))


def missing_fonts(texts: Iterable[str]) -> str:
    """Return a sentence about the characters that no font here can draw and what to install, or ``""``."""
    lacking = sorted(lettering_for(texts).lacking)
    if not lacking:
        return ""
    fonts = dict.fromkeys(_font_for(char) for char in lacking)
    shown = " ".join(lacking[:5]) + (" and others" if len(lacking) > 5 else "")
    return (
        f"no installed font has the characters {shown}: class numbers and run ids stand in for such names; "
        f"install {' and '.join(fonts)}"
    )


@cache
def _lettering(chars: frozenset[str]) -> Lettering:
    usual = font_manager.get_font(font_manager.findfont(FAMILY))
    lacking = {char for char in chars if not _is_invisible(char) and not usual.get_char_index(ord(char))}
    families, favoured = [FAMILY], _favoured_form(chars)
    for search in (_candidates, _newly_installed):
        for entry in _ranked(search(), favoured) if lacking else ():
            drawn = _drawable(entry.fname, lacking)
            if drawn:
                families.append(entry.name)
                lacking -= drawn
            if not lacking:
                break
    return Lettering(tuple(families), frozenset(lacking))


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() or _is_invisible(char) else " " for char in text)


def _is_invisible(char: str) -> bool:
    """Say whether a character only changes how its neighbours look: joiners and variation selectors."""
    return char in "\u200c\u200d" or "\ufe00" <= char <= "\ufe0f"


def _font_for(char: str) -> str:
    script = unicodedata.name(char, "UNKNOWN").partition(" ")[0]
    if unicodedata.category(char) == "So":
        return _EMOJI
    return _FONTS.get(script, f"Noto Sans {script.title()}")


def _favoured_form(chars: Iterable[str]) -> str:
    """Return the end of the name of fonts that draw Chinese characters as the language of these does."""
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in chars}
    if scripts & {"HIRAGANA", "KATAKANA"}:
        return " JP"
    return " KR" if "HANGUL" in scripts else " SC"


def _candidates() -> list[font_manager.FontEntry]:
    """Return the fonts that matplotlib has listed."""
    return list(font_manager.fontManager.ttflist)


@cache
def _newly_installed() -> list[font_manager.FontEntry]:
    """Return the fonts of the system that matplotlib's list lacks, once they are added to it."""
    manager = font_manager.fontManager
    known = {entry.fname for entry in manager.ttflist}
    before = len(manager.ttflist)
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            manager.addfont(path)
        except Exception:  # noqa: BLE001, S112 - a damaged font raises whatever FreeType's wrapper thinks of
            continue
    return list(manager.ttflist[before:])


def _ranked(entries: Iterable[font_manager.FontEntry], favoured: str = "") -> list[font_manager.FontEntry]:
    """Return one upright font of ordinary weight per family, the likely ones first."""
    families = {
        entry.name: entry
        for entry in entries
        if entry.style == "normal" and entry.weight in (400, "normal", "regular", "book")
    }

    def unlikely(entry: font_manager.FontEntry) -> tuple[bool, bool, str]:
        name = entry.name.lower()
        return not any(word in name for word in _LIKELY), not entry.name.endswith(favoured), entry.name

    useful = [entry for name, entry in families.items() if name != FAMILY and _LAST_RESORT not in name.lower()]
    return sorted(useful, key=unlikely)[:_MOST_FONTS]


def _drawable(path: str, chars: set[str]) -> set[str]:
    try:
        font = FT2Font(path)
        font.set_size(10, 72)  # a font of coloured pictures has fixed sizes, and matplotlib cannot draw it
    except (OSError, RuntimeError):  # gone since matplotlib listed it, or damaged
        return set()
    return {char for char in chars if font.get_char_index(ord(char))}
