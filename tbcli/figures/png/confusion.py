"""A confusion matrix drawn without Matplotlib, for it happens every epoch: 2 classes or 200, each in its own way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tbcli.figures.colours import LIGHT, Theme, as_rgb, blended, text_on
from tbcli.figures.confusions import shares_of_rows
from tbcli.figures.png.letters import Letters, letters_for
from tbcli.figures.png.sheet import FAINT, INK, THUMBNAIL_WIDTH, WHITE, Sheet

_LARGEST_CELL = 84  # pixels
_LINED_CELL = 6  # pixels; smaller cells touch, without a line between them
_NUMBERED_CELL = 13  # pixels; smaller cells have no room for a number
_LONGEST_NAME = 70  # pixels, of up to so many classes as a thumbnail has room for
_LONGEST_OF_MANY = 36  # of more classes; longer ones give way to numbers
_GAP = 4
_THUMBNAIL_CLASSES = 28  # more are drawn twice as large: a thumbnail then shows every other pixel, a click all of them
_SIZES = (14, 12, 11, 10, 9)  # of the letters in a cell


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where everything stands, in pixels.

    Args:
        classes: Rows and columns.
        scale: 1 at the size of a thumbnail, 2 at twice that.
        names: What rows and columns are called, short enough.
        widest: The widest of the names.
        numbered: Whether the names are the numbers of the classes.
    """

    classes: int
    scale: int
    names: tuple[str, ...]
    widest: int
    numbered: bool

    @property
    def size(self) -> int:
        """Of the letters around the cells."""
        return 10 * self.scale

    @property
    def line(self) -> int:
        return 14 * self.scale

    @property
    def left(self) -> int:
        return self.line + self.widest + 2 * _GAP

    @property
    def cell(self) -> int:
        room = THUMBNAIL_WIDTH * self.scale - self.left - _GAP
        return max(1, min(room // self.classes, _LARGEST_CELL))

    @property
    def every(self) -> int:
        """Every how many rows and columns one is named."""
        return -(-self.line // (self.cell + 1))

    @property
    def upright(self) -> bool:
        """Whether the names above stand on end, for want of room beside one another."""
        return self.widest + 2 > self.cell * self.every

    @property
    def top(self) -> int:
        """Below the title, the word and the names."""
        return 2 * self.line + (self.widest if self.upright else self.line) + 2 * _GAP

    @property
    def side(self) -> int:
        return self.cell * self.classes


def draw_confusions(
    counts: np.ndarray, tell: Callable[[int, float], str], class_names: Sequence[str], title: str
) -> tuple[bytes, tuple[int, int]]:
    """Draw a matrix of true and predicted classes.

    What is right is blue by its share of the true class; what is wrong is orange by the root of it, so that one in a
    hundred shows; a class without samples is grey.

    Args:
        counts: Samples ``[true class, guessed class]``.
        tell: What to write in a cell that is not empty, of its count and its share of the true class, where that fits.
        class_names: A name for each class number.
        title: A line above all.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    letters = letters_for(tuple(class_names))
    plan = _planned(class_names, letters)
    width = max(THUMBNAIL_WIDTH * plan.scale, plan.left + plan.side + _GAP)
    sheet = Sheet(width, plan.top + plan.side + _GAP, letters)
    sheet.text(_GAP, _GAP, letters.fitted(title, plan.size + plan.scale, width - _GAP), INK, plan.size + plan.scale)
    _name_axes(sheet, plan)
    blocks = cell_colours(counts).repeat(plan.cell, axis=0).repeat(plan.cell, axis=1)
    if plan.cell >= _LINED_CELL:
        blocks[:: plan.cell] = WHITE
        blocks[:, :: plan.cell] = WHITE
    sheet.paste(plan.left, plan.top, blocks)
    if plan.cell >= _NUMBERED_CELL:
        _number_cells(sheet, plan, letters, counts, tell)
    return sheet.png()


def cell_colours(counts: np.ndarray, theme: Theme = LIGHT) -> np.ndarray:
    """Return the colour of each cell ``[true class, guessed class, 3]``, uint8.

    What is right is blue by its share of the true class. What is wrong is orange by the root of it, so that one in a
    hundred shows. A class without samples is grey.
    """
    shares = shares_of_rows(counts)
    colours = blended(theme.paper, theme.validation, np.sqrt(shares))
    right = np.diag_indices(len(counts))
    colours[right] = blended(theme.paper, theme.train, shares[right])
    colours[counts.sum(axis=1) == 0] = as_rgb(theme.empty)
    return colours


def _planned(class_names: Sequence[str], letters: Letters) -> _Plan:
    classes = len(class_names)
    many = classes > _THUMBNAIL_CLASSES
    scale = 2 if many else 1
    # Cut to a few letters, the names of many classes would all look the same.
    numbered = many and any(letters.width(name, 10 * scale) > _LONGEST_OF_MANY * scale for name in class_names)
    if numbered:
        names = tuple(map(str, range(classes)))
    else:
        names = tuple(letters.class_labels(class_names, 10 * scale, _LONGEST_NAME * scale))
    return _Plan(classes, scale, names, max(letters.width(name, 10 * scale) for name in names), numbered)


def _name_axes(sheet: Sheet, plan: _Plan) -> None:
    middle, kind = plan.side // 2, " class number" if plan.numbered else ""
    true, predicted = f"true{kind}", f"predicted{kind}"
    sheet.text(plan.left + middle, plan.line + _GAP, predicted, FAINT, plan.size, align="centre")
    below = sheet.letters.width(true, plan.size) // 2
    sheet.text(_GAP // 2, plan.top + middle + below, true, FAINT, plan.size, upright=True)
    for number in range(0, plan.classes, plan.every):
        at = (number + 0.5) * plan.cell
        name, line = plan.names[number], plan.line - plan.scale
        sheet.text(plan.left - _GAP, plan.top + at - line / 2, name, INK, plan.size, align="right")
        if plan.upright:
            sheet.text(plan.left + at - line / 2, plan.top - _GAP, name, INK, plan.size, upright=True)
        else:
            sheet.text(plan.left + at, plan.top - line - _GAP, name, INK, plan.size, align="centre")


def count_text(count: int, share: float) -> str:
    """Return the number of samples of a cell."""
    return str(count)


def percent_text(count: int, share: float) -> str:
    """Return a share of 0 to 1 as percent; what is not quite all, or not quite none, never looks so."""
    if share == 1:
        return "100"
    return "<0.1" if share < 0.001 else f"{min(100 * share, 99.9):.1f}"


def _number_cells(
    sheet: Sheet, plan: _Plan, letters: Letters, counts: np.ndarray, tell: Callable[[int, float], str]
) -> None:
    shares, colours = shares_of_rows(counts), cell_colours(counts)
    texts = {(true, guess): tell(int(counts[true, guess]), shares[true, guess]) for true, guess in np.argwhere(counts)}
    widest = max((letters.width(text, _SIZES[0]) for text in texts.values()), default=0)
    fitting = [size for size in _SIZES if widest * size / _SIZES[0] < plan.cell - 2 and size + 4 <= plan.cell]
    if not fitting:
        return
    size = fitting[0]
    for (true, guess), text in texts.items():
        x, y = plan.left + (guess + 0.5) * plan.cell, plan.top + (true + 0.5) * plan.cell - size * 0.62
        sheet.text(x + 0.5, y, text, tuple(as_rgb(text_on(colours[true, guess])).tolist()), size, align="centre")
