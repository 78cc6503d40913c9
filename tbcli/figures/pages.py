"""Where things stand on a page, in inches: free, where matplotlib's layout engines cost 90 ms."""

from __future__ import annotations

import math
from dataclasses import dataclass

_PANEL_WIDTH = {1: 6.4, 2: 4.75, 3: 4.2}  # by the number of columns
_PANEL_HEIGHT = 3.1
LEFT, RIGHT, _GUTTER = 0.8, 0.3, 0.85  # the gutter holds the next panel's numbers
HEADER, _ABOVE, _BELOW = 0.72, 0.62, 0.58  # title; a panel's name and legend; its epochs
_NOTE = 0.25


@dataclass(frozen=True, slots=True)
class Page:
    """A page on which everything has its place in inches from the upper left corner.

    Args:
        width: Inches.
        height: Inches.
    """

    width: float
    height: float

    def spot(self, left: float, down: float) -> tuple[float, float]:
        """Return a point as matplotlib counts: fractions of the page from the lower left corner."""
        return left / self.width, 1 - down / self.height

    def box(self, left: float, down: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Return axes as ``(left, bottom, width, height)`` in fractions of the page."""
        x, y = self.spot(left, down + height)
        return x, y, width / self.width, height / self.height


@dataclass(frozen=True, slots=True)
class Sheet:
    """A grid of equal panels below a title, with room at the bottom for a legend and a line of notes.

    Args:
        panels: How many there are.
        legend: Height of the legend, in inches.
        note: Whether there is a line below all.
    """

    panels: int
    legend: float = 0.0
    note: bool = False

    @property
    def columns(self) -> int:
        """Panels side by side."""
        return 2 if self.panels == 4 else min(self.panels, 3)

    @property
    def width(self) -> float:
        """Inches."""
        return LEFT + RIGHT + self.columns * self.panel_width + (self.columns - 1) * _GUTTER

    @property
    def panel_width(self) -> float:
        """Inches."""
        return _PANEL_WIDTH[self.columns]

    @property
    def height(self) -> float:
        """Inches."""
        return self.legend_top + self.legend + (_NOTE if self.note else 0)

    @property
    def legend_top(self) -> float:
        """Inches below the top."""
        return HEADER + math.ceil(self.panels / self.columns) * (_ABOVE + _PANEL_HEIGHT + _BELOW)

    @property
    def text_width(self) -> float:
        """What a title may take, in inches."""
        return self.width - LEFT - RIGHT

    @property
    def page(self) -> Page:
        """The page that holds it all."""
        return Page(self.width, self.height)

    def box(self, position: int) -> tuple[float, float, float, float]:
        """Return a panel's axes as ``(left, bottom, width, height)`` in fractions of the sheet."""
        row, column = divmod(position, self.columns)
        left = LEFT + column * (self.panel_width + _GUTTER)
        top = HEADER + row * (_ABOVE + _PANEL_HEIGHT + _BELOW) + _ABOVE
        return self.page.box(left, top, self.panel_width, _PANEL_HEIGHT)

    def spot(self, down: float) -> tuple[float, float]:
        """Return the left edge, so many inches below the top, in fractions of the sheet."""
        return self.page.spot(LEFT, down)
