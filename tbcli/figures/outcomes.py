"""What became of each label as a figure: found, missed, wrongly predicted, and how well that is.

For a file: in any format, with a title. `tbcli.figures.png.strips` draws the one of every epoch for TensorBoard.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tbcli.figures.colours import Theme, text_on
from tbcli.figures.confusions import count_outcomes, finite_rows, outcome_colours
from tbcli.figures.grid import widest_of
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.pages import HEADER, Page, require_room
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading, short_number
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions
from tbcli.tasks.class_report import report_labels

MOST_LABELS = 60
_MARGIN, _RIGHT, _HEADS, _BELOW = 0.35, 0.35, 0.6, 0.4  # inches; the heads of the columns are above the rows
_ROW, _CELL, _NAME, _NUMBER = 0.26, 1.0, 2.2, 0.75  # inches: of a label, a count at most, a name, a score
_POINTS = 8.5
_GROUPS = (("have the label", 0), ("have it not", 2))
_COLUMNS = ("found", "missed", "wrongly", "rightly not")
_SCORES = ("precision", "recall", "F1")
_LEAST, _USUAL = 4 * 0.72 + len(_SCORES) * _NUMBER, 4 * _CELL + len(_SCORES) * _NUMBER


def draw_outcomes(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run: a row per label; of too many those with the lowest F1, the lowest first.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        title: In place of the run's name.
        look: Its colours and size.
    """
    names, theme = predictions.class_names, look.theme
    heading = run_heading(run, "labels", *_facts(predictions), title=title)
    letters = lettering_for([*heading.texts, *names])
    before = _MARGIN + _widest(names, letters, _name_room(look.size[0] if look.size else _USUAL * 2))
    require_room(look.size, Page(before + _LEAST + _RIGHT, HEADER + _HEADS + 2 * _ROW + _BELOW))
    rows = min(len(names), MOST_LABELS)
    page = Page(*look.size) if look.size else Page(before + _USUAL + _RIGHT, HEADER + _HEADS + rows * _ROW + _BELOW)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, left=_MARGIN, theme=theme)
        space = (_MARGIN, HEADER, page.width - _MARGIN - _RIGHT, page.height - HEADER - _BELOW + 1e-6)
        note = draw_label_table(figure, page, space, predictions, letters, theme)
        figure.text(*page.spot(_MARGIN, page.height - 0.15), note, fontsize=_POINTS, color=theme.faint)
    return figure


def _name_room(width: float) -> float:
    """Return the inches that a name may take of so many."""
    return min(_NAME, 0.2 * width)


def _widest(names: Sequence[str], letters: Lettering, room: float) -> float:
    return widest_of(letters.shortened(letters.class_labels(names), _POINTS, room), letters) + 0.12


def draw_label_table(
    figure: Figure,
    page: Page,
    space: tuple[float, float, float, float],
    predictions: Predictions,
    letters: Lettering,
    theme: Theme,
) -> str:
    """Draw a row per label, as many as there is room for, and return a note on those that are left out, or ``""``.

    Args:
        figure: Where.
        page: Its page.
        space: Inches from the left and the top of the page, width and height.
        predictions: What to draw.
        letters: What names are written in.
        theme: Of the figure.
    """
    outer, top, width, height = space
    names, top = predictions.class_names, top + _HEADS
    report = report_labels(predictions.labels, predictions.guesses)
    outcomes = count_outcomes(predictions.labels, predictions.guesses)
    shown = chosen_labels(report.f1, min(MOST_LABELS, int((height - _HEADS) / _ROW)))
    short = letters.shortened(letters.class_labels(names), _POINTS, _name_room(width))
    left = outer + _widest(names, letters, _name_room(width))
    cell = min(_CELL, (outer + width - left - len(_SCORES) * _NUMBER) / 4)
    _draw_cells(figure, page, (left, top, cell), outcomes[shown], outcome_colours(outcomes, theme)[shown], theme)
    _write_heads(figure, page, (left, top, cell), theme)
    scores = np.stack([report.precision, report.recall, report.f1], axis=1)
    for row, label in enumerate(shown):
        down = top + (row + 0.66) * _ROW
        figure.text(*page.spot(left - 0.1, down), short[label], ha="right", fontsize=_POINTS)
        for column, score in enumerate(scores[label]):
            place = page.spot(left + 4 * cell + (column + 1) * _NUMBER - 0.05, down)
            figure.text(*place, f"{score:.3f}", ha="right", fontsize=_POINTS)
    return f"the {len(shown)} of {len(names)} labels with the lowest F1" if len(shown) < len(names) else ""


def chosen_labels(f1: np.ndarray, most: int) -> list[int]:
    """Return all labels in their order; of more than there is room for those with the lowest F1, the lowest first."""
    if len(f1) <= most:
        return list(range(len(f1)))
    worst: list[int] = np.argsort(f1, kind="stable")[:most].tolist()
    return worst


def _facts(predictions: Predictions) -> Sequence[str]:
    right = predictions.labels == predictions.guesses
    lost = int((~finite_rows(predictions.outputs)).sum())
    micro = report_labels(predictions.labels, predictions.guesses).micro_f1
    return (
        counted(len(right), f"{predictions.split} sample"),
        f"{lost:,} of them without finite probabilities" if lost else "",
        f"all labels right {short_number(float(right.all(axis=1).mean()))}",
        f"binary accuracy {short_number(float(right.mean()))}",
        f"micro F1 {short_number(micro)}",
    )


def _draw_cells(
    figure: Figure,
    page: Page,
    corner: tuple[float, float, float],
    counts: np.ndarray,
    colours: np.ndarray,
    theme: Theme,
) -> None:
    (left, top, cell), rows = corner, len(counts)
    axes = figure.add_axes(page.box(left, top, 4 * cell, rows * _ROW))
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    axes.hlines(np.arange(rows + 1) - 0.5, -0.5, 3.5, colors=theme.paper, linewidth=1)
    axes.vlines([-0.5, 0.5, 2.5, 3.5], -0.5, rows - 0.5, colors=theme.paper, linewidth=1)
    axes.vlines([1.5], -0.5, rows - 0.5, colors=theme.paper, linewidth=5)
    for row, column in np.ndindex(rows, 4):
        colour = text_on(colours[row, column])
        count = f"{counts[row, column]:,}"
        axes.text(column, row, count, ha="center", va="center", fontsize=_POINTS, color=colour)


def _write_heads(figure: Figure, page: Page, corner: tuple[float, float, float], theme: Theme) -> None:
    left, top, cell = corner
    for text, column in _GROUPS:
        figure.text(*page.spot(left + column * cell, top - 0.3), text, fontsize=_POINTS, color=theme.faint)
    for column, text in enumerate(_COLUMNS):
        place = page.spot(left + (column + 0.5) * cell, top - 0.09)
        figure.text(*place, text, ha="center", fontsize=_POINTS, color=theme.faint)
    for column, text in enumerate(_SCORES):
        place = page.spot(left + 4 * cell + (column + 1) * _NUMBER - 0.05, top - 0.09)
        figure.text(*place, text, ha="right", fontsize=_POINTS, color=theme.faint)
