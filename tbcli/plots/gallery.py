"""The most confident mistakes as a figure: what was seen, what it is, what it was taken for."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from tbcli.plots.colours import FAINT, INK
from tbcli.plots.figures import one_look, write_heading
from tbcli.plots.layout import HEADER, Page
from tbcli.plots.lettering import Lettering, lettering_for
from tbcli.plots.numbers import percent
from tbcli.plots.titles import heading_of, subheading_of
from tbcli.readers.evidence import Mistakes
from tbcli.runs import Run

_COLUMNS = 6
_TILE, _GAP, _LINE = 1.1, 0.3, 0.165  # inches: of a picture, between two, of a line of text below
_LINES = 3
_MARGIN, _TOP = 0.4, HEADER + 0.2
_POINTS = 8.5
_WRONG = "#c62828"


def draw_mistakes(run: Run, mistakes: Mistakes, *, title: str = "") -> Figure:
    """Return the figure of one run; a sentence in place of pictures where there was no mistake.

    Args:
        run: Whose.
        mistakes: The most confident first.
        title: In place of the run's name.
    """
    heading, subheading = title or heading_of(run), _told(run, mistakes)
    letters = lettering_for([heading, subheading, *mistakes.predictions.class_names])
    rows = max(1, math.ceil(len(mistakes.rows) / _COLUMNS))
    page = Page(2 * _MARGIN + _COLUMNS * (_TILE + _GAP) - _GAP, _TOP + rows * _row_height(mistakes) + 0.1)
    with one_look(letters.families):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, subheading, left=_MARGIN)
        if mistakes.thumbnails is not None and len(mistakes.rows):
            _show_pictures(figure, page, mistakes.thumbnails, _row_height(mistakes))
        _describe(figure, page, letters, mistakes)
        if not len(mistakes.rows):
            figure.text(*page.spot(_MARGIN, HEADER + 0.35), "Every prediction is right.", fontsize=11, color=FAINT)
    return figure


def _told(run: Run, mistakes: Mistakes) -> str:
    predictions, count = mistakes.predictions, mistakes.count
    total = max(1, len(predictions.labels))
    among = f"{count:,} mistake{'' if count == 1 else 's'} among {total:,} {predictions.split} samples"
    shown = "the most confident first" if len(mistakes.rows) == count else f"the {len(mistakes.rows)} most confident"
    return subheading_of(run, f"{among} ({percent(count / total)})", shown if count > 1 else "")


def _picture_height(mistakes: Mistakes) -> float:
    """Return the inches that a picture of full width takes."""
    if mistakes.thumbnails is None:
        return 0.0
    height, width = mistakes.thumbnails.shape[1:3]
    return float(_TILE * min(1.0, height / max(1, width)))


def _row_height(mistakes: Mistakes) -> float:
    return _picture_height(mistakes) + _LINES * _LINE + _GAP


def _show_pictures(figure: Figure, page: Page, thumbnails: np.ndarray, row_height: float) -> None:
    """Show all pictures as one: a pair of axes for each would cost ten times as much."""
    pictures = np.broadcast_to(thumbnails, (*thumbnails.shape[:3], 3))
    height, width = pictures.shape[1:3]
    scale = max(height, width) / _TILE  # pixels an inch
    places = [divmod(number, _COLUMNS) for number in range(len(pictures))]
    corners = [(round(row * row_height * scale), round(column * (_TILE + _GAP) * scale)) for row, column in places]
    canvas = np.full((corners[-1][0] + height, max(left for _, left in corners) + width, 3), 255, np.uint8)
    for picture, (top, left) in zip(pictures, corners, strict=True):
        canvas[top : top + height, left : left + width] = picture
    axes = figure.add_axes(page.box(_MARGIN, _TOP, canvas.shape[1] / scale, canvas.shape[0] / scale))
    axes.set_axis_off()
    axes.imshow(canvas, interpolation="nearest", aspect="auto")


def _describe(figure: Figure, page: Page, letters: Lettering, mistakes: Mistakes) -> None:
    predictions, guesses = mistakes.predictions, mistakes.predictions.guesses
    names, height = predictions.class_names, _row_height(mistakes)
    for number, sample in enumerate(mistakes.rows.tolist()):
        row, column = divmod(number, _COLUMNS)
        left, below = _MARGIN + column * (_TILE + _GAP), _TOP + row * height + _picture_height(mistakes)
        sure = percent(float(predictions.probabilities[sample, guesses[sample]]))
        lines = (
            (names[guesses[sample]], _WRONG),
            (f"true {names[predictions.labels[sample]]}", INK),
            (f"{sure}  #{predictions.indices[sample]}", FAINT),
        )
        for line, (text, colour) in enumerate(lines, 1):
            cut = letters.fitted(text, _POINTS, _TILE + _GAP - 0.1)
            figure.text(*page.spot(left, below + line * _LINE), cut, fontsize=_POINTS, color=colour)
