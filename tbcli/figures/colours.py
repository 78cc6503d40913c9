"""Colours that tell curves apart on paper and on screen, with deuteranopia, and printed in grey.

The hues are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), darkened or lightened so that the first five
differ by at least eleven steps of lightness (CIE L*), the two farthest first. Later ones have a dash pattern of their
own as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

_SOLID_HUES = 5  # up to here lightness alone tells two hues apart
_DASHES = (
    (),
    (5.0, 1.5),
    (1.2, 1.2),
    (6.0, 1.5, 1.2, 1.5),
    (3.0, 1.2, 1.0, 1.2, 1.0, 1.2),
    (9.0, 2.0),
)


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure.

    Args:
        name: ``light`` or ``dark``.
        paper: Background.
        ink: Text.
        faint: Secondary text.
        grid: Grid lines.
        frame: Axis lines.
        pale: Curves in the background.
        empty: A cell without samples.
        train: Training curves, and what is right.
        validation: Validation curves, and what is wrong.
        test: Test curves.
        wrong: Text about a mistake.
        hues: Of runs, classes and layers, the first two farthest apart.
    """

    name: str
    paper: str
    ink: str
    faint: str
    grid: str
    frame: str
    pale: str
    empty: str
    train: str
    validation: str
    test: str
    wrong: str
    hues: tuple[str, ...]


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#222222",
    faint="#6b6b6b",
    grid="#e6e6e6",
    frame="#9a9a9a",
    pale="#bdbdbd",
    empty="#ececec",
    train="#0067a5",
    validation="#e88f00",
    test="#00936a",
    wrong="#b84300",
    hues=("#0067a5", "#e88f00", "#000000", "#00936a", "#7d1500", "#56b4e9", "#d55e00", "#cc79a7"),
)
DARK = Theme(
    name="dark",
    paper="#1b1d21",
    ink="#f2f2f2",
    faint="#b4b8be",
    grid="#363a41",
    frame="#80858d",
    pale="#5c6168",
    empty="#2d3036",
    train="#6cb1f2",
    validation="#ffc04d",
    test="#00a178",
    wrong="#ff9a66",
    hues=("#6cb1f2", "#ffc04d", "#ffffff", "#00a178", "#c23f1c", "#cc79a7", "#f0e442", "#b9ac70"),
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How a curve is drawn.

    Args:
        colour: Of its line and marks.
        dash: Lengths of strokes and gaps in line widths; empty for a solid line.
    """

    colour: str
    dash: tuple[float, ...] = ()

    @property
    def pattern(self) -> Literal["-"] | tuple[float, tuple[float, ...]]:
        """What matplotlib takes as ``linestyle``."""
        return (0.0, self.dash) if self.dash else "-"


def line_styles(count: int, theme: Theme = LIGHT) -> list[LineStyle]:
    """Return styles, the farthest apart first: five solid lines, then dashed ones; the first 40 differ."""
    return [_style(number, theme.hues) for number in range(count)]


def run_styles(ids: Iterable[str], theme: Theme = LIGHT) -> dict[str, LineStyle]:
    """Return ``{run id: style}``, whatever the order of the ids: by age, so that a later run changes no earlier one."""
    ordered = sorted(set(ids))
    return dict(zip(ordered, line_styles(len(ordered), theme), strict=True))


def as_rgb(colour: str) -> np.ndarray:
    """Return a colour such as ``#0067a5`` as ``[3]``, 0 to 255."""
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.uint8)


def blended(start: str, end: str, shares: np.ndarray) -> np.ndarray:
    """Return colours ``[..., 3]``, uint8, on the way from one to another by shares ``[...]`` from 0 to 1."""
    first, last = as_rgb(start).astype(float), as_rgb(end).astype(float)
    colours: np.ndarray = (first + shares[..., np.newaxis] * (last - first)).round().astype(np.uint8)
    return colours


def text_on(rgb: np.ndarray) -> str:
    """Return black or white, whichever can be read on a background ``[3]``, 0 to 255; by WCAG's contrast."""
    parts = np.asarray(rgb) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#111111"


def tint(colour: str) -> str:
    """Return a colour half way to grey."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{(part + 0xA0) // 2:02x}" for part in parts)


def _style(number: int, hues: tuple[str, ...]) -> LineStyle:
    turn, place = divmod(number, len(hues))
    if turn == 0:
        return LineStyle(hues[place], _DASHES[0] if place < _SOLID_HUES else _DASHES[1])
    return LineStyle(hues[place], _DASHES[2 + (turn - 1) % (len(_DASHES) - 2)])
