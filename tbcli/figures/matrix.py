"""The confusion matrix as a figure: counts and shares of each true class, and beside it what is confused most.

For a file: in any format, with a title. `tbcli.figures.png.confusion` draws the one of every epoch for
TensorBoard, with Pillow, in a twentieth of the time and at the size of a thumbnail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tbcli.figures.colours import Theme, blended, text_on
from tbcli.figures.confusions import count_confusions, shares_of_rows
from tbcli.figures.lettering import lettering_for
from tbcli.figures.numbers import percent
from tbcli.figures.pages import HEADER, Page, require_room
from tbcli.figures.png.confusion import cell_colours
from tbcli.figures.style import USUAL, Look, heading_for, one_look, write_heading
from tbcli.figures.titles import counted, short_number, subheading_of
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions

_SIDES = 2.6, 7.0  # inches of the smallest and the largest matrix
_CELL = 0.58  # inches of a cell that has room for both its numbers
_NUMBERED, _LEAST_CELL = 20, 0.2  # classes up to which, and inches of a cell from which, the cells are numbered
_LEFT, _GUTTER, _RIGHT, _BELOW = 0.65, 0.45, 0.3, 0.45  # inches
_TRUE, _GUESS = 0.35, 0.7  # inches of the list's columns of names, at least
_ARROW, _NUMBERS = 0.4, 1.35  # inches of its other columns
_HEADING, _WIDEST = 0.35, 9.0  # inches left of the title, and that the line below it may widen the page to
_DRAWN = 1.05  # how much wider than measured a text may be drawn: its letters stand on whole pixels
_NAME = 1.3  # inches that the name of a class may take
_LABEL = 0.15  # inches between two names along an axis
_ROW = 0.2  # inches from one line of the list to the next
_MOST_LISTED = 12
_LEAST = 1.2  # inches of the matrix, where the user chose the size of the page
_POINTS = 8.5


def most_confused(counts: np.ndarray, most: int) -> list[tuple[int, int]]:
    """Return pairs of true and guessed class, the most frequent mistake first."""
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    pairs = (divmod(int(position), len(counts)) for position in order)
    return [pair for pair in pairs if mistakes[pair]]


def mean_f1(counts: np.ndarray) -> float:
    """Return the mean over all classes of F1, the harmonic mean of precision and recall; of a class never met it is 0.

    Agrees with scikit-learn's ``f1_score`` with ``average="macro"`` and all classes as ``labels``.

    Args:
        counts: ``[true class, guessed class]``.
    """
    met = counts.sum(axis=0) + counts.sum(axis=1)
    return float(np.mean(2 * np.diagonal(counts) / np.maximum(met, 1)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the matrix and the list stand.

    Args:
        classes: How many there are.
        widest: Inches of the widest name of a class.
        listed: Lines of the list.
        told: Inches of the line below the title.
        size: Width and height of the page that the user chose.
    """

    classes: int
    widest: float
    listed: int
    told: float
    size: tuple[float, float] | None = None

    @property
    def side(self) -> float:
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
        """Pairs that the list has room for."""
        if not self.size:
            return self.listed
        fitting = int((self.size[1] - self.top - (0 if self.roomy else 0.9)) / _ROW) - 2
        return max(0, min(self.listed, fitting)) if self.has_list else 0

    @property
    def cell(self) -> float:
        return self.side / self.classes

    @property
    def roomy(self) -> bool:
        """Whether a cell holds its share below its count; else its colour alone tells the share, and is explained."""
        return self.cell >= 0.9 * _CELL

    @property
    def upright(self) -> bool:
        """Whether the names of the guessed classes stand on end, for want of room beside one another."""
        return self.widest > 0.92 * self.cell * self.every

    @property
    def every(self) -> int:
        """One in so many classes is named along the axes."""
        return math.ceil(_LABEL / self.cell)

    @property
    def names_below(self) -> float:
        """Inches that the names of the guessed classes take."""
        return self.widest if self.upright else 0.15

    @property
    def left(self) -> float:
        return _LEFT + self.widest

    @property
    def top(self) -> float:
        return HEADER + 0.25

    @property
    def list_left(self) -> float:
        return self.left + self.side + _GUTTER

    @property
    def guess_column(self) -> float:
        """Inches from the left of the list to the names of the guessed classes."""
        return max(self.widest, _TRUE) + _ARROW

    @property
    def list_width(self) -> float:
        return self.guess_column + max(self.widest, _GUESS) + _NUMBERS

    @property
    def page(self) -> Page:
        if self.size:
            return Page(*self.size)
        beside = (self.listed + 2) * _ROW + (0 if self.roomy else 0.9)
        width = max(self.list_left + self.list_width, _HEADING + self.told) + _RIGHT
        return Page(width, self.top + max(self.side + self.names_below + _BELOW, beside))

    def check_size(self) -> None:
        """Refuse a page that leaves no room for the matrix.

        Raises:
            ConfigError: It does.
        """
        require_room(
            self.size,
            Page(self.left + _LEAST + _RIGHT, self.top + _LEAST + max(self.widest, 0.15) + _BELOW),
        )


def draw_confusion(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        title: In place of the run's name.
        look: Its colours and size.
    """
    names, classes = predictions.class_names, predictions.probabilities.shape[1]
    counts = count_confusions(predictions.labels, predictions.guesses, classes)
    pairs = most_confused(counts, _MOST_LISTED)
    heading, subheading = heading_for(run, "confusion matrix", title), _told(run, predictions, counts)
    letters = lettering_for([heading, subheading, *names])
    short = letters.shortened(letters.class_labels(names), _POINTS, min(_NAME, 0.18 * min(look.size or (99, 99))))
    widest = _DRAWN * max(letters.width(name, _POINTS) for name in short)
    told = min(_DRAWN * letters.width(letters.legible(subheading), 9.0), _WIDEST)
    plan, theme = _Plan(classes, widest, max(1, len(pairs)), told, look.size), look.theme
    plan.check_size()
    with one_look(letters.families, theme):
        figure = Figure(figsize=(plan.page.width, plan.page.height))
        write_heading(figure, plan.page, letters, heading, subheading, left=_HEADING, theme=theme)
        _draw_matrix(figure, plan, counts, short, theme)
        if plan.has_list:
            _list_pairs(figure, plan, counts, pairs[: plan.lines], short, theme)
        if plan.has_list and not plan.roomy:
            _explain_colours(figure, plan, theme)
    return figure


def _told(run: Run, predictions: Predictions, counts: np.ndarray) -> str:
    total, right = int(counts.sum()), int(np.trace(counts))
    return subheading_of(
        run,
        counted(total, f"{predictions.split} sample"),
        f"accuracy {short_number(right / max(total, 1))}",
        f"mean F1 {short_number(mean_f1(counts))}",
    )


def _draw_matrix(figure: Figure, plan: _Plan, counts: np.ndarray, names: Sequence[str], theme: Theme) -> None:
    classes = plan.classes
    axes = figure.add_axes(plan.page.box(plan.left, plan.top, plan.side, plan.side), xticks=[], yticks=[])
    colours = cell_colours(counts, theme)
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    axes.spines[:].set(color=theme.grid, visible=True)
    if classes <= _NUMBERED and plan.cell >= _LEAST_CELL:
        between = np.arange(classes - 1) + 0.5
        axes.hlines(between, -0.5, classes - 0.5, colors=theme.paper, linewidth=1)
        axes.vlines(between, -0.5, classes - 0.5, colors=theme.paper, linewidth=1)
        _number_cells(axes, plan, counts, colours)
    # Written by hand: matplotlib makes four artists of every tick.
    gap = 0.06 / plan.cell
    turn, below = 90 if plan.upright else 0, classes - 0.5 + gap
    for position in range(0, classes, plan.every):
        axes.text(position, below, names[position], ha="center", va="top", rotation=turn, fontsize=_POINTS)
        axes.text(-0.5 - gap, position, names[position], ha="right", va="center", fontsize=_POINTS)
    axes.set_xlabel("predicted", fontsize=10)
    axes.set_ylabel("true", fontsize=10)
    axes.xaxis.set_label_coords(0.5, -(plan.names_below + 0.14) / plan.side)
    axes.yaxis.set_label_coords(-(plan.widest + 0.2) / plan.side, 0.5)


def _number_cells(axes: Axes, plan: _Plan, counts: np.ndarray, colours: np.ndarray) -> None:
    shares = shares_of_rows(counts)
    points = float(np.clip(plan.cell * 19, 6.5, 9.5))
    for true, guess in np.argwhere(counts).tolist():
        count, share = int(counts[true, guess]), float(shares[true, guess])
        text = f"{count:,}\n{percent(share)}" if plan.roomy else f"{count:,}"
        colour = text_on(colours[true, guess])
        axes.text(guess, true, text, ha="center", va="center", fontsize=points, color=colour, linespacing=1.15)


def _list_pairs(
    figure: Figure,
    plan: _Plan,
    counts: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    names: Sequence[str],
    theme: Theme,
) -> None:
    shares = shares_of_rows(counts)
    rows = [("true", "", "predicted", "samples", "of true")]
    for pair in pairs:
        true, guess = pair
        rows.append((names[true], "→", names[guess], f"{counts[pair]:,}", percent(float(shares[pair]))))
    if not pairs:
        rows = [("every prediction is right", "", "", "", "")]
    columns = (
        (0.0, "left"),
        (plan.guess_column - 0.22, "left"),
        (plan.guess_column, "left"),
        (plan.list_width - 0.7, "right"),
        (plan.list_width, "right"),
    )
    for number, row in enumerate(rows):
        for text, (across, side) in zip(row, columns, strict=True):
            if not text:
                continue
            spot = plan.page.spot(plan.list_left + across, plan.top + 0.12 + number * _ROW)
            figure.text(*spot, text, ha=side, fontsize=_POINTS, color=theme.ink if number and pairs else theme.faint)


def _explain_colours(figure: Figure, plan: _Plan, theme: Theme) -> None:
    """Draw two strips of colour below the list: what is right, and what is wrong."""
    shares = np.linspace(0, 1, 256)
    down = plan.top + (plan.lines + 2) * _ROW + 0.2
    figure.text(
        *plan.page.spot(plan.list_left, down), "colour: share of the true class", fontsize=_POINTS, color=theme.faint
    )
    strips = ((theme.train, shares, "right"), (theme.validation, np.sqrt(shares), "confused"))
    for number, (end, strength, name) in enumerate(strips):
        across, row = 0.75, down + 0.1 + number * 0.2
        axes = figure.add_axes(plan.page.box(plan.list_left + across, row, plan.list_width - across, 0.15))
        axes.imshow(blended(theme.paper, end, strength)[np.newaxis], aspect="auto")
        axes.set_axis_off()
        figure.text(*plan.page.spot(plan.list_left, row + 0.12), name, fontsize=_POINTS)
    for across, text, side in ((0.75, "0 %", "left"), (plan.list_width, "100 %", "right")):
        figure.text(
            *plan.page.spot(plan.list_left + across, down + 0.65), text, ha=side, fontsize=_POINTS, color=theme.faint
        )
