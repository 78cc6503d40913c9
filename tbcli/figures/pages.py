"""Where things stand on a page, in inches: free, where matplotlib's layout engines cost 90 ms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tbcli.errors import ConfigError

_PANEL_WIDTH = {1: 6.4, 2: 4.75, 3: 4.2}  # by the number of columns
_PANEL_HEIGHT = 3.1
LEFT, RIGHT, _GUTTER = 0.8, 0.3, 0.85  # the gutter holds the next panel's numbers
HEADER, _ABOVE, _BELOW_PANEL = 0.72, 0.62, 0.58  # title; a panel's name and legend; its epochs
_NOTE = 0.22
_LEAST_WIDTH, _LEAST_HEIGHT = 1.8, 0.8  # of a panel, where the user chose the size of the sheet


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


def require_room(size: tuple[float, float] | None, needed: Page) -> None:
    """Refuse a size that is smaller than a figure needs.

    Args:
        size: Width and height in inches that the user chose; None is never too small.
        needed: The smallest page.

    Raises:
        ConfigError: It is too small.
    """
    if size and (size[0] < needed.width - 1e-6 or size[1] < needed.height - 1e-6):
        least = "x".join(f"{math.ceil(side * 10) / 10:g}" for side in (needed.width, needed.height))
        raise ConfigError(
            f"--size {size[0]:g}x{size[1]:g} is too small for this figure", hint=f"at least `--size {least}`"
        )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A grid of equal panels below a title, with room at the bottom for a legend and lines of notes.

    Args:
        panels: How many there are.
        legend: Height of the legend, in inches.
        notes: Lines below all.
        size: Width and height of the sheet in inches; None gives panels their usual size.
    """

    panels: int
    legend: float = 0.0
    notes: int = 0
    size: tuple[float, float] | None = None

    @property
    def columns(self) -> int:
        """Panels side by side."""
        usual = 2 if self.panels == 4 else min(self.panels, 3)
        if self.size:
            fitting = (self.size[0] - LEFT - RIGHT + _GUTTER) / (_LEAST_WIDTH + _GUTTER)
            return max(1, min(usual, math.floor(fitting)))
        return usual

    @property
    def rows(self) -> int:
        """Panels one above the other."""
        return math.ceil(self.panels / self.columns)

    @property
    def width(self) -> float:
        """Inches."""
        return LEFT + RIGHT + self.columns * self.panel_width + (self.columns - 1) * _GUTTER

    @property
    def panel_width(self) -> float:
        """Inches."""
        if self.size:
            return (self.size[0] - LEFT - RIGHT + _GUTTER) / self.columns - _GUTTER
        return _PANEL_WIDTH[self.columns]

    @property
    def panel_height(self) -> float:
        """Inches."""
        if self.size:
            return (self.size[1] - HEADER - self._below) / self.rows - _ABOVE - _BELOW_PANEL
        return _PANEL_HEIGHT

    @property
    def height(self) -> float:
        """Inches."""
        return self.legend_top + self._below

    @property
    def _below(self) -> float:
        return self.legend + self.notes * _NOTE

    @property
    def legend_top(self) -> float:
        """Inches below the top."""
        return HEADER + self.rows * (_ABOVE + self.panel_height + _BELOW_PANEL)

    def check_size(self) -> None:
        """Refuse a size that leaves no room for the panels.

        Raises:
            ConfigError: It does not.
        """
        needed = Page(
            LEFT + RIGHT + _LEAST_WIDTH, HEADER + self._below + self.rows * (_ABOVE + _LEAST_HEIGHT + _BELOW_PANEL)
        )
        require_room(self.size, needed)

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
        top = HEADER + row * (_ABOVE + self.panel_height + _BELOW_PANEL) + _ABOVE
        return self.page.box(left, top, self.panel_width, self.panel_height)

    def spot(self, down: float) -> tuple[float, float]:
        """Return the left edge, so many inches below the top, in fractions of the sheet."""
        return self.page.spot(LEFT, down)
