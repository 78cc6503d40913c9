"""The confusion matrix as a figure: counts and shares of each true class, and beside it what is confused most.

For a file: in any format, with a title. `tbcli.figures.png.confusion` draws the one of every epoch for
TensorBoard, with Pillow, in a twentieth of the time and at the size of a thumbnail.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tbcli.figures.colours import Theme, blended
from tbcli.figures.confusions import count_confusions, finite_rows, shares_of_rows
from tbcli.figures.grid import HEADING_LEFT, POINTS, ROW, Plan, cell_texts, draw_grid, planned, short_names, widest_of
from tbcli.figures.lettering import lettering_for
from tbcli.figures.numbers import percent
from tbcli.figures.png.confusion import cell_colours
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading, short_number
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions

_TRUE, _GUESS = 0.35, 0.7  # inches of the list's columns of names, at least
_ARROW, _NUMBERS = 0.4, 1.35  # inches of its other columns
_MOST_LISTED = 12


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


def draw_confusion(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        title: In place of the run's name.
        look: Its colours and size.
    """
    names, classes = predictions.class_names, predictions.outputs.shape[1]
    counts = count_confusions(predictions.labels, predictions.guesses, classes)
    pairs = most_confused(counts, _MOST_LISTED)
    heading = run_heading(run, "confusion matrix", *_facts(predictions, counts), title=title)
    letters = lettering_for([*heading.texts, *names])
    short, theme = short_names(names, letters, look), look.theme
    widest = widest_of(short, letters)
    guess_column = max(widest, _TRUE) + _ARROW
    plan = planned(short, letters, heading, len(pairs), guess_column + max(widest, _GUESS) + _NUMBERS, look)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(plan.page.width, plan.page.height))
        write_heading(figure, plan.page, letters, heading, left=HEADING_LEFT, theme=theme)
        draw_grid(figure, plan.page, (plan.left, plan.top), plan.grid, cell_colours(counts, theme),
                  cell_texts(counts, plan.grid), short, theme)  # fmt: skip
        if plan.lines:
            _list_pairs(figure, plan, guess_column, counts, pairs[: plan.lines], short, theme)
        if plan.has_list and not plan.grid.roomy:
            _explain_colours(figure, plan, theme)
    return figure


def _facts(predictions: Predictions, counts: np.ndarray) -> tuple[str, ...]:
    total, right = int(counts.sum()), int(np.trace(counts))
    lost = int((~finite_rows(predictions.outputs)).sum())
    return (
        counted(total, f"{predictions.split} sample"),
        f"{lost:,} of them without finite probabilities" if lost else "",
        f"accuracy {short_number(right / max(total, 1))}",
        f"mean F1 {short_number(mean_f1(counts))}",
    )


def _list_pairs(
    figure: Figure,
    plan: Plan,
    guess_column: float,
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
        rows = [("all predictions are correct", "", "", "", "")]
    columns = (
        (0.0, "left"),
        (guess_column - 0.22, "left"),
        (guess_column, "left"),
        (plan.list_width - 0.7, "right"),
        (plan.list_width, "right"),
    )
    for number, row in enumerate(rows):
        for text, (across, side) in zip(row, columns, strict=True):
            if not text:
                continue
            spot = plan.page.spot(plan.list_left + across, plan.top + 0.12 + number * ROW)
            figure.text(*spot, text, ha=side, fontsize=POINTS, color=theme.ink if number and pairs else theme.faint)


def _explain_colours(figure: Figure, plan: Plan, theme: Theme) -> None:
    """Draw two strips of colour below the list: what is right, and what is wrong."""
    shares = np.linspace(0, 1, 256)
    down = plan.top + (plan.lines + 2) * ROW + 0.2
    figure.text(
        *plan.page.spot(plan.list_left, down), "colour: share of the true class", fontsize=POINTS, color=theme.faint
    )
    strips = ((theme.train, shares, "right"), (theme.validation, np.sqrt(shares), "confused"))
    for number, (end, strength, name) in enumerate(strips):
        across, row = 0.75, down + 0.1 + number * 0.2
        axes = figure.add_axes(plan.page.box(plan.list_left + across, row, plan.list_width - across, 0.15))
        axes.imshow(blended(theme.paper, end, strength)[np.newaxis], aspect="auto")
        axes.set_axis_off()
        figure.text(*plan.page.spot(plan.list_left, row + 0.12), name, fontsize=POINTS)
    for across, text, side in ((0.75, "0 %", "left"), (plan.list_width, "100 %", "right")):
        figure.text(
            *plan.page.spot(plan.list_left + across, down + 0.65), text, ha=side, fontsize=POINTS, color=theme.faint
        )
