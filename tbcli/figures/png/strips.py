"""What became of each label, drawn without Matplotlib, for it happens every epoch: a strip of four cells per label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tbcli.figures.colours import LIGHT, as_rgb, text_on
from tbcli.figures.confusions import outcome_colours
from tbcli.figures.png.letters import letters_for
from tbcli.figures.png.sheet import FAINT, INK, THUMBNAIL_WIDTH, WHITE, Sheet

MOST_LABELS = 100
_MARGIN, _SIZE, _LINE, _ROW = 4, 10, 13, 17
_NAME = 130  # pixels that the names may take
_TITLES = (("has the label:", 0), ("has it not:", 2))
_COLUMNS = ("found", "missed", "wrongly", "rightly not")


def draw_strips(
    outcomes: np.ndarray, shown: Sequence[int], names: Sequence[str], title: str
) -> tuple[bytes, tuple[int, int]]:
    """Draw how many samples have a label or not, and are predicted to have it or not.

    What is right is blue by its share of those that have the label, or have it not; what is wrong is orange by the root
    of it, as in a confusion matrix.

    Args:
        outcomes: See `tbcli.figures.confusions.count_outcomes` ``[labels, 4]``.
        shown: The labels to draw.
        names: A name for each label.
        title: A line above all.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    letters = letters_for(tuple(names))
    short = letters.class_labels(names, _SIZE, _NAME)
    left = 2 * _MARGIN + max(letters.width(short[label], _SIZE) for label in shown)
    cell = (THUMBNAIL_WIDTH - left - _MARGIN) // 4
    top = 3 * _LINE + 3 * _MARGIN
    sheet = Sheet(THUMBNAIL_WIDTH, top + _ROW * len(shown) + _MARGIN, letters)
    sheet.text(_MARGIN, _MARGIN, letters.fitted(title, _SIZE + 1, THUMBNAIL_WIDTH - _MARGIN), INK, _SIZE + 1)
    for text, column in _TITLES:
        sheet.text(left + column * cell, 2 * _MARGIN + _LINE, text, FAINT, _SIZE)
    for column, text in enumerate(_COLUMNS):
        fitted = letters.fitted(text, _SIZE, cell)
        sheet.text(left + (column + 0.5) * cell, 2 * _MARGIN + 2 * _LINE, fitted, FAINT, _SIZE, align="centre")
    colours = outcome_colours(outcomes, LIGHT)
    for row, label in enumerate(shown):
        y = top + row * _ROW
        sheet.text(left - _MARGIN, y + 2, short[label], INK, _SIZE, align="right")
        for column in range(4):
            x = left + column * cell
            sheet.pixels[y : y + _ROW - 1, x : x + cell - 1] = colours[label, column]
            ink = tuple(as_rgb(text_on(colours[label, column])).tolist())
            count = f"{outcomes[label, column]:,}"
            sheet.text(x + cell / 2, y + 2, count, ink, _SIZE, align="centre")
        sheet.pixels[y : y + _ROW, left + 2 * cell - 1 : left + 2 * cell + 1] = WHITE
    return sheet.png()
