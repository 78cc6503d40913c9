"""Where things stand on a sheet of panels, in inches: free, where matplotlib's layout engines cost 90 ms."""

from __future__ import annotations

import math
from dataclasses import dataclass

_PANEL_WIDTH = {1: 6.4, 2: 4.75, 3: 4.2}  # by the number of columns
_PANEL_HEIGHT = 3.1
_LEFT, _RIGHT, _GUTTER = 0.8, 0.3, 0.85  # the gutter holds the next panel's numbers
_HEADER, _ABOVE, _BELOW = 0.72, 0.62, 0.58  # title; a panel's name and legend; its epochs
_NOTE = 0.25


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
        return _LEFT + _RIGHT + self.columns * self.panel_width + (self.columns - 1) * _GUTTER

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
        return _HEADER + math.ceil(self.panels / self.columns) * (_ABOVE + _PANEL_HEIGHT + _BELOW)

    @property
    def text_width(self) -> float:
        """What a title may take, in inches."""
        return self.width - _LEFT - _RIGHT

    def box(self, position: int) -> tuple[float, float, float, float]:
        """Return a panel's axes as ``(left, bottom, width, height)`` in fractions of the sheet."""
        row, column = divmod(position, self.columns)
        left = _LEFT + column * (self.panel_width + _GUTTER)
        top = _HEADER + row * (_ABOVE + _PANEL_HEIGHT + _BELOW) + _ABOVE
        bottom = self.height - top - _PANEL_HEIGHT
        return left / self.width, bottom / self.height, self.panel_width / self.width, _PANEL_HEIGHT / self.height

    def spot(self, down: float) -> tuple[float, float]:
        """Return the left edge, so many inches below the top, in fractions of the sheet."""
        return _LEFT / self.width, 1 - down / self.height
