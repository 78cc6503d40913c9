"""Precision against recall as a figure: a curve a class, each class against all the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.figures.colours import FAINT, INK, LineStyle, line_styles
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import HEADER, LEFT, Page
from tbcli.figures.style import one_look, write_heading
from tbcli.figures.titles import counted, heading_of, subheading_of
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions

_SIDE, _GUTTER, _BELOW, _RIGHT = 4.4, 0.85, 0.6, 0.3  # inches
_MOST_NAMED = 20  # classes up to which each has a curve of its own colour
_EXTREMES = 5  # of more classes, the best and the worst are named
_MEAN = "mean of all"
_MOST_POINTS = 500  # of a curve as it is drawn
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # from one number along an axis to the next
_MOST_STEPS = 6
_LEAST_CORNER = 0.3  # a curve that falls below that is seen well enough without a closer look
_TOP = HEADER + 0.45
_POINTS, _HANDLE, _NAME, _LEGEND, _ROW = 8.5, 0.35, 1.5, 2.5, 0.2  # of the legend; all but the points in inches


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision against recall of one class, from the highest threshold to the lowest.

    Args:
        precision: ``[n]``, one for each different probability.
        recall: ``[n]``, never falling.
    """

    precision: np.ndarray
    recall: np.ndarray

    @property
    def average_precision(self) -> float:
        """The sum of the precisions, each weighted with the recall it adds; as ``average_precision_score``."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))

    @property
    def break_even(self) -> float:
        """Where precision and recall come closest: the smaller of the two."""
        return float(np.minimum(self.precision, self.recall).max())

    def at(self, recalls: np.ndarray) -> np.ndarray:
        """Return the precision with which each recall ``[m]`` is first reached, where it counts as in the average."""
        last = len(self.recall) - 1
        return self.precision[np.minimum(np.searchsorted(self.recall, recalls - 1e-12), last)]

    def drawn(self) -> np.ndarray:
        """Return the corners of its steps ``[m, 2]`` as recall and precision; of a long curve evenly chosen ones."""
        rising = np.flatnonzero(np.diff(self.recall, prepend=0.0) > 0)
        if len(rising) > _MOST_POINTS:
            rising = rising[np.linspace(0, len(rising) - 1, _MOST_POINTS).astype(int)]
        ends = self.recall[rising]
        starts = np.concatenate([[0.0], ends[:-1]])
        level = np.repeat(self.precision[rising], 2)
        return np.column_stack([np.column_stack([starts, ends]).ravel(), level])


def curve_of(positives: np.ndarray, scores: np.ndarray) -> Curve | None:
    """Return the curve of one class against the others; None of a class without a sample.

    Every different score is a threshold: what scores at least as much is called positive. So samples with equal scores
    enter together, as in scikit-learn's ``precision_recall_curve``.

    Args:
        positives: Whether each sample is of the class ``[n]``.
        scores: The probability the model gave to the class ``[n]``.
    """
    total = int(positives.sum())
    if not total:
        return None
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(positives[order])[last_of_equals]
    return Curve(true / (last_of_equals + 1), true / total)


@dataclass(frozen=True, slots=True)
class _Line:
    """A curve that is named, and its average precision."""

    name: str
    style: LineStyle
    curve: Curve
    value: float
    width: float = 1.4


def draw_precision_recall(run: Run, predictions: Predictions, *, title: str = "") -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        title: In place of the run's name.
    """
    columns = zip(predictions.class_names, predictions.probabilities.T, strict=True)
    found = [(name, curve_of(predictions.labels == number, column)) for number, (name, column) in enumerate(columns)]
    curves = [(name, curve) for name, curve in found if curve is not None]
    mean = float(np.mean([curve.average_precision for _, curve in curves]))
    heading, subheading = title or heading_of(run), _told(run, predictions)
    letters = lettering_for([heading, subheading, *(name for name, _ in curves)])
    lines, others = _chosen(curves, mean)
    corner = _corner([line.curve for line in lines])
    lowest = [0.0] if corner is None else [0.0, corner]
    notes = _notes(len(others), len(found) - len(curves))
    legend_left = LEFT + len(lowest) * (_SIDE + _GUTTER) - _GUTTER + 0.4
    legend_height = (len(lines) + len(notes) + 2.5) * _ROW
    page = Page(legend_left + _LEGEND + _RIGHT, _TOP + max(_SIDE + _BELOW, legend_height + 0.3))
    with one_look(letters.families):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, subheading)
        for panel, least in enumerate(lowest):
            axes = figure.add_axes(page.box(LEFT + panel * (_SIDE + _GUTTER), _TOP, _SIDE, _SIDE))
            _draw_panel(axes, lines, others, least)
        rows: list[tuple[str, LineStyle | None, float]] = [(line.name, line.style, line.value) for line in lines]
        rows += [(_MEAN, None, mean)] if len(lines) > 1 and not others else []
        _name_lines(figure, page, letters, rows, legend_left)
        for number, note in enumerate(notes):
            spot = page.spot(legend_left, _TOP + 0.15 + (len(rows) + 1.5 + number) * _ROW)
            figure.text(*spot, note, fontsize=_POINTS, color=FAINT)
    return figure


def _told(run: Run, predictions: Predictions) -> str:
    samples = counted(len(predictions.labels), f"{predictions.split} sample")
    return subheading_of(run, f"precision and recall of {samples}")


def _notes(others: int, absent: int) -> list[str]:
    said = {"grey: {} other class{}": others, "{} class{} without a sample left out": absent}
    return [words.format(f"{count:,}", "es" if count > 1 else "") for words, count in said.items() if count]


def _chosen(curves: Sequence[tuple[str, Curve]], mean: float) -> tuple[list[_Line], list[Curve]]:
    """Return the lines that are named and, where there are too many classes for that, the curves that are not."""
    if len(curves) <= _MOST_NAMED:
        return _coloured(curves), []
    ranked = sorted(curves, key=lambda named: -named[1].average_precision)
    recalls = np.linspace(0, 1, _MOST_POINTS)[1:]
    middle = Curve(np.mean([curve.at(recalls) for _, curve in curves], axis=0), recalls)
    lines = [_Line(_MEAN, LineStyle(INK), middle, mean, width=2.2)]
    lines += _coloured([*ranked[:_EXTREMES], *ranked[-_EXTREMES:]])
    return lines, [curve for _, curve in ranked[_EXTREMES:-_EXTREMES]]


def _coloured(curves: Sequence[tuple[str, Curve]]) -> list[_Line]:
    styles = line_styles(len(curves))
    return [
        _Line(name, style, curve, curve.average_precision) for style, (name, curve) in zip(styles, curves, strict=True)
    ]


def _corner(curves: Sequence[Curve]) -> float | None:
    """Return from where the upper right corner is worth a closer look; None where the whole is seen well enough."""
    worst = min(curve.break_even for curve in curves)
    lowest = math.floor(20 * (1 - 2.5 * (1 - worst))) / 20
    return min(lowest, 0.95) if lowest >= _LEAST_CORNER and worst < 1 else None


def even_ticks(lowest: float) -> np.ndarray:
    """Return round numbers from not below the lowest up to 1, at most seven."""
    step = next(step for step in _STEPS if (1 - lowest) / step <= _MOST_STEPS + 1e-9)
    return 1 - step * np.arange(math.floor((1 - lowest) / step + 1e-9), -1, -1)


def _draw_panel(axes: Axes, lines: Sequence[_Line], others: Sequence[Curve], lowest: float) -> None:
    if others:
        axes.add_collection(
            LineCollection([curve.drawn() for curve in others], colors="#bdbdbd", linewidths=0.5, alpha=0.5)
        )
    for line in reversed(lines):  # the first one on top
        axes.plot(*line.curve.drawn().T, color=line.style.colour, linestyle=line.style.pattern, linewidth=line.width)
    room = 0.02 * (1 - lowest)
    axes.set(xlim=(lowest, 1 + room), ylim=(lowest, 1 + room), xlabel="recall", ylabel="precision")
    axes.xaxis.set_label_coords(0.5, -0.07)
    axes.yaxis.set_label_coords(-0.11, 0.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(even_ticks(lowest))
        axis.set_major_formatter(PlainNumbers())
    axes.set_title("the upper right corner" if lowest else "one class against the others", loc="left", fontsize=10)


def _name_lines(
    figure: Figure, page: Page, letters: Lettering, rows: Sequence[tuple[str, LineStyle | None, float]], left: float
) -> None:
    """Write the legend, as a table: colour (where there is one), class, average precision."""
    top, right = _TOP + 0.15, left + _LEGEND
    figure.text(*page.spot(left, top), "class", fontsize=_POINTS, color=FAINT)
    figure.text(*page.spot(right, top), "average precision", ha="right", fontsize=_POINTS, color=FAINT)
    for number, (name, style, value) in enumerate(rows, 1):
        down = top + number * _ROW
        if style:
            stroke = [page.spot(left + across, down - 0.04) for across in (0, _HANDLE - 0.1)]
            figure.add_artist(Line2D(*np.transpose(stroke), color=style.colour, linestyle=style.pattern, linewidth=1.8))
        figure.text(*page.spot(left + _HANDLE, down), letters.fitted(name, _POINTS, _NAME), fontsize=_POINTS)
        figure.text(*page.spot(right, down), f"{value:.4f}", ha="right", fontsize=_POINTS)
