"""A square of cells, one per pair of true and predicted class, with their names, and where it stands beside a list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from tbcli.figures.colours import Theme, text_on
from tbcli.figures.confusions import shares_of_rows
from tbcli.figures.curves import Heading, on_one_line
from tbcli.figures.lettering import Lettering
from tbcli.figures.numbers import percent
from tbcli.figures.pages import HEADER, Page, require_room
from tbcli.figures.style import SUBHEADING, Look

_SIDES = 2.6, 7.0  # inches of the smallest and the largest matrix
_CELL = 0.58  # inches of a cell that has room for both its numbers
_NUMBERED, _LEAST_CELL = 20, 0.2  # classes up to which, and inches of a cell from which, the cells are numbered
_LEFT, _GUTTER, _RIGHT, _BELOW = 0.65, 0.45, 0.3, 0.45  # inches
HEADING_LEFT, _WIDEST = 0.35, 9.0  # inches left of the title, and that the line below it may widen the page to
_DRAWN = 1.05  # how much wider than measured a text may be drawn: its letters stand on whole pixels
_NAME = 1.3  # inches that the name of a class may take
_LABEL = 0.15  # inches between two names along an axis
ROW = 0.2  # inches from one line of the list to the next
_LEAST = 1.2  # inches of the matrix, where the user chose the size of the page
POINTS = 8.5


@dataclass(frozen=True, slots=True)
class Grid:
    """A square of cells with the names of the classes left of it and below.

    Args:
        classes: How many there are.
        side: Inches.
        widest: Inches of the widest name of a class.
    """

    classes: int
    side: float
    widest: float

    @property
    def cell(self) -> float:
        """Inches."""
        return self.side / self.classes

    @property
    def roomy(self) -> bool:
        """Whether a cell has room for its share below its count; otherwise a key explains its colour."""
        return self.cell >= 0.9 * _CELL

    @property
    def upright(self) -> bool:
        """Whether the names of the guessed classes stand on end, for want of room beside one another."""
        return self.widest > 0.92 * self.cell * self.every

    @property
    def every(self) -> int:
        """Every how many classes one is named along the axes."""
        return math.ceil(_LABEL / self.cell)

    @property
    def names_below(self) -> float:
        """Inches that the names of the guessed classes take."""
        return self.widest if self.upright else 0.15


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the matrix and the list stand.

    Args:
        classes: How many there are.
        widest: Inches of the widest name of a class.
        listed: Lines of the list.
        told: Inches of the line below the title.
        list_width: Inches of the list.
        size: Width and height of the page that the user chose.
    """

    classes: int
    widest: float
    listed: int
    told: float
    list_width: float
    size: tuple[float, float] | None = None

    @property
    def grid(self) -> Grid:
        """The cells."""
        return Grid(self.classes, self._side, self.widest)

    @property
    def _side(self) -> float:
        if not self.size:
            return float(np.clip(self.classes * _CELL, *_SIDES))
        across = self.size[0] - self.left - _RIGHT - (_GUTTER + self.list_width if self.has_list else 0)
        return min(across, self.size[1] - self.top - max(self.widest, 0.15) - _BELOW)

    @property
    def has_list(self) -> bool:
        """Whether the list has room beside a matrix that can be read."""
        beside = self.left + max(_LEAST, 0.3 * (self.size[0] if self.size else 0)) + _GUTTER + self.list_width + _RIGHT
        return not self.size or beside <= self.size[0]

    @property
    def lines(self) -> int:
        """Lines that the list has room for."""
        if not self.size:
            return self.listed
        fitting = int((self.size[1] - self.top - (0 if self.grid.roomy else 0.9)) / ROW) - 2
        return max(0, min(self.listed, fitting)) if self.has_list else 0

    @property
    def left(self) -> float:
        """Inches left of the matrix."""
        return _LEFT + self.widest

    @property
    def top(self) -> float:
        """Inches above the matrix."""
        return HEADER + 0.25

    @property
    def list_left(self) -> float:
        """Inches left of the list."""
        return self.left + self.grid.side + _GUTTER

    @property
    def page(self) -> Page:
        """The page that holds it all."""
        if self.size:
            return Page(*self.size)
        beside = (self.listed + 2) * ROW + (0 if self.grid.roomy else 0.9)
        width = max(self.list_left + self.list_width, HEADING_LEFT + self.told) + _RIGHT
        return Page(width, self.top + max(self.grid.side + self.grid.names_below + _BELOW, beside))

    def check_size(self) -> None:
        """Refuse a page that leaves no room for the matrix.

        Raises:
            ConfigError: It does.
        """
        needed = Page(self.left + _LEAST + _RIGHT, self.top + _LEAST + max(self.widest, 0.15) + _BELOW)
        require_room(self.size, needed)


def planned(
    names: Sequence[str], letters: Lettering, heading: Heading, listed: int, list_width: float, look: Look
) -> Plan:
    """Return where the matrix and the list stand.

    Args:
        names: Short names of the classes.
        letters: What they are written in.
        heading: The lines above.
        listed: Lines of the list.
        list_width: Inches of the list.
        look: Its colours and size.

    Raises:
        ConfigError: The size leaves no room for the matrix.
    """
    widest = widest_of(names, letters)
    told = min(
        _DRAWN * letters.width(letters.legible(on_one_line((heading.what, heading.id, *heading.results))), SUBHEADING),
        _WIDEST,
    )
    plan = Plan(len(names), widest, max(1, listed), told, list_width, look.size)
    plan.check_size()
    return plan


def widest_of(names: Sequence[str], letters: Lettering) -> float:
    """Return the inches that the widest of short names may take."""
    return _DRAWN * max(letters.width(name, POINTS) for name in names)


def short_names(names: Sequence[str], letters: Lettering, look: Look) -> list[str]:
    """Return names of classes that fit beside a matrix."""
    room = min(_NAME, 0.18 * min(look.size)) if look.size else _NAME
    return letters.shortened(letters.class_labels(names), POINTS, room)


def draw_grid(
    figure: Figure,
    page: Page,
    corner: tuple[float, float],
    grid: Grid,
    colours: np.ndarray,
    texts: Mapping[tuple[int, int], str],
    names: Sequence[str],
    theme: Theme,
) -> None:
    """Draw cells and the names of their rows and columns.

    Args:
        figure: Where.
        page: Its page.
        corner: Inches from the upper left corner of the page to that of the cells.
        grid: Their size.
        colours: Of the cells ``[true class, guessed class, 3]``, uint8.
        texts: What to write in cells that have room for it.
        names: Short names of the classes.
        theme: Of the figure.
    """
    classes = grid.classes
    axes = figure.add_axes(page.box(*corner, grid.side, grid.side), xticks=[], yticks=[])
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    axes.spines[:].set(color=theme.grid, visible=True)
    if classes <= _NUMBERED and grid.cell >= _LEAST_CELL:
        between = np.arange(classes - 1) + 0.5
        axes.hlines(between, -0.5, classes - 0.5, colors=theme.paper, linewidth=1)
        axes.vlines(between, -0.5, classes - 0.5, colors=theme.paper, linewidth=1)
        points = float(np.clip(grid.cell * 19, 6.5, 9.5))
        for (true, guess), text in texts.items():
            colour = text_on(colours[true, guess])
            axes.text(guess, true, text, ha="center", va="center", fontsize=points, color=colour, linespacing=1.15)
    # Written by hand: matplotlib makes four artists of every tick.
    gap = 0.06 / grid.cell
    turn, below = 90 if grid.upright else 0, classes - 0.5 + gap
    for position in range(0, classes, grid.every):
        axes.text(position, below, names[position], ha="center", va="top", rotation=turn, fontsize=POINTS)
        axes.text(-0.5 - gap, position, names[position], ha="right", va="center", fontsize=POINTS)
    axes.set_xlabel("predicted", fontsize=10)
    axes.set_ylabel("true", fontsize=10)
    axes.xaxis.set_label_coords(0.5, -(grid.names_below + 0.14) / grid.side)
    axes.yaxis.set_label_coords(-(grid.widest + 0.2) / grid.side, 0.5)


def cell_texts(counts: np.ndarray, grid: Grid) -> dict[tuple[int, int], str]:
    """Return what to write in the cells that are not empty: the count, and its share of the true class below."""
    shares = shares_of_rows(counts)
    return {
        (true, guess): f"{counts[true, guess]:,}" + (f"\n{percent(float(shares[true, guess]))}" if grid.roomy else "")
        for true, guess in np.argwhere(counts).tolist()
    }
