"""A curve per class, each against all the others, or per label, and the good corner once more: PR and ROC share it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.errors import NotFound
from tbcli.figures.colours import LineStyle, Theme, line_styles
from tbcli.figures.confusions import finite_rows, memberships
from tbcli.figures.lettering import lettering_for
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import HEADER, LEFT, Page, require_room
from tbcli.figures.style import Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions, read_predictions

_SIDE, _GUTTER, _BELOW, _RIGHT = 4.4, 0.85, 0.6, 0.3  # inches
_LEAST = 1.4  # inches of a panel, where the user chose the size of the page
_MOST_NAMED = 20  # classes up to which each has a curve of its own style
_EXTREMES = 5  # of more classes, the best and the worst are named
_MEAN = "mean of all"
MOST_POINTS = 500  # of a curve as it is drawn
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)  # from one number along an axis to the next
_MOST_STEPS = 6
_LEAST_CORNER = 0.3  # a curve that falls below that is seen well enough without a closer look
_TOP = HEADER + 0.45
_POINTS, _HANDLE, _NAME, _LEGEND, _ROW = 8.5, 0.35, 1.5, 2.5, 0.2  # of the legend; all but the points in inches


class ClassCurve(Protocol):
    """What a class has in either figure."""

    @property
    def area(self) -> float:
        """The number in the legend."""

    @property
    def closest(self) -> float:
        """How near the curve comes to the good corner, from 0 to 1."""

    def at(self, places: np.ndarray) -> np.ndarray:
        """Return the heights at places ``[m]`` along the axis."""

    def drawn(self) -> np.ndarray:
        """Return the points to draw ``[m, 2]``."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What the figure is about.

    Args:
        kind: The kind in its title.
        measure: What the legend's numbers are.
        across: Along the bottom.
        up: Along the left.
        good_right: Whether the good corner is the upper right one; else the upper left.
        lacking: What a class without a curve has none of.
        average: Makes the curve of means from places and heights along it.
    """

    kind: str
    measure: str
    across: str
    up: str
    good_right: bool
    lacking: str
    average: Callable[[np.ndarray, np.ndarray], ClassCurve]


@dataclass(frozen=True, slots=True)
class _Line:
    """A curve that is named."""

    name: str
    style: LineStyle
    curve: ClassCurve
    value: float
    width: float = 1.4


def read_scored(run: Run) -> Predictions:
    """Return the predictions of a run, if there is a sample whose probabilities are numbers.

    Raises:
        NotFound: There is none, or the run keeps no predictions.
    """
    predictions = read_predictions(run)
    if not finite_rows(predictions.outputs).any():
        raise NotFound(f"run {run.label} predicted no finite probability", hint="train with a smaller learning rate")
    return predictions


def draw_one_vs_rest(
    run: Run,
    predictions: Predictions,
    curve_of: Callable[[np.ndarray, np.ndarray], ClassCurve | None],
    axis: Axis,
    title: str,
    look: Look,
) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        curve_of: Makes the curve of a class from whether each sample is of it, and the scores; None where there is
            none. At least one class has one.
        axis: What the figure is about.
        title: In place of the run's name.
        look: Its colours and size.
    """
    theme, used = look.theme, finite_rows(predictions.outputs)
    labels, scores = predictions.labels[used], predictions.outputs[used]
    curves = [curve_of(*pair) for pair in zip(memberships(labels, scores.shape[1]).T, scores.T, strict=True)]
    samples = counted(len(labels), f"{predictions.split} sample")
    lost = f"{len(used) - len(labels):,} not finite left out" if len(labels) < len(used) else ""
    heading = run_heading(run, axis.kind, samples, lost, title=title)
    letters = lettering_for([*heading.texts, *predictions.class_names])
    names = letters.shortened(letters.class_labels(predictions.class_names), _POINTS, _NAME)
    found = [(name, curve) for name, curve in zip(names, curves, strict=True) if curve is not None]
    mean = float(np.mean([curve.area for _, curve in found]))
    lines, others = _chosen(found, mean, axis, theme, _most_rows(look))
    corner = _corner([line.curve for line in lines])
    panels = [0.0] if corner is None else [0.0, corner]
    side = _side(look, len(panels))
    if side < _LEAST and len(panels) > 1:
        panels = panels[:1]
        side = _side(look, 1)
    noun = "class" if predictions.task.has_classes else "label"
    notes = _notes(len(others), len(curves) - len(found), axis, noun)
    left = LEFT + len(panels) * (side + _GUTTER) - _GUTTER + 0.4
    tall = _TOP + max(side + _BELOW, (len(lines) + len(notes) + 2.5) * _ROW + 0.3)
    least = LEFT + _LEAST + 0.4 + _LEGEND + _RIGHT
    require_room(look.size, Page(least, _TOP + _LEAST + _BELOW))
    page = Page(*look.size) if look.size else Page(left + _LEGEND + _RIGHT, tall)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, theme=theme)
        for panel, lowest in enumerate(panels):
            axes = figure.add_axes(page.box(LEFT + panel * (side + _GUTTER), _TOP, side, side))
            _draw_panel(axes, lines, others, lowest, axis, theme, side, noun)
        rows: list[tuple[str, LineStyle | None, float]] = [(line.name, line.style, line.value) for line in lines]
        rows += [(_MEAN, None, mean)] if len(lines) > 1 and not others else []
        _name_lines(figure, page, noun, axis.measure, rows, left, theme)
        for number, note in enumerate(notes):
            spot = page.spot(left, _TOP + 0.15 + (len(rows) + 1.5 + number) * _ROW)
            figure.text(*spot, note, fontsize=_POINTS, color=theme.faint)
    return figure


def _side(look: Look, panels: int) -> float:
    """Return the inches of a panel."""
    if not look.size:
        return _SIDE
    across = look.size[0] - LEFT - 0.4 - _LEGEND - _RIGHT + _GUTTER
    return min(across / panels - _GUTTER, look.size[1] - _TOP - _BELOW)


def _most_rows(look: Look) -> int:
    """Return how many curves the legend has room to name."""
    if not look.size:
        return _MOST_NAMED
    return max(3, min(_MOST_NAMED, math.floor((look.size[1] - _TOP - 0.3) / _ROW - 3.5)))


def _notes(others: int, absent: int, axis: Axis, noun: str) -> list[str]:
    said = {f"grey: {{}} other {noun}{{}}": others, f"{{}} {noun}{{}} without {axis.lacking} left out": absent}
    ending = "es" if noun.endswith("s") else "s"
    return [words.format(f"{count:,}", ending if count > 1 else "") for words, count in said.items() if count]


def _chosen(
    curves: Sequence[tuple[str, ClassCurve]], mean: float, axis: Axis, theme: Theme, most: int
) -> tuple[list[_Line], list[ClassCurve]]:
    """Return the lines that are named and, where there are too many classes for that, the curves that are not."""
    if len(curves) <= most:
        return _styled(curves, theme), []
    extremes = min(_EXTREMES, (most - 1) // 2)
    ranked = sorted(curves, key=lambda named: -named[1].area)
    places = np.linspace(0, 1, MOST_POINTS)[1:]
    middle = axis.average(places, np.mean([curve.at(places) for _, curve in curves], axis=0))
    lines = [_Line(_MEAN, LineStyle(theme.faint), middle, mean, width=3.0)]
    lines += _styled([*ranked[:extremes], *ranked[-extremes:]], theme)
    return lines, [curve for _, curve in ranked[extremes:-extremes]]


def _styled(curves: Sequence[tuple[str, ClassCurve]], theme: Theme) -> list[_Line]:
    styles = line_styles(len(curves), theme)
    return [_Line(name, style, curve, curve.area) for style, (name, curve) in zip(styles, curves, strict=True)]


def _corner(curves: Sequence[ClassCurve]) -> float | None:
    """Return from where the good corner is worth a closer look; None where the whole is seen well enough."""
    worst = min(curve.closest for curve in curves)
    lowest = math.floor(20 * (1 - 2.5 * (1 - worst))) / 20
    return min(lowest, 0.95) if lowest >= _LEAST_CORNER and worst < 1 else None


def even_ticks(lowest: float) -> np.ndarray:
    """Return round numbers from not below the lowest up to 1, at most seven."""
    step = next(step for step in _STEPS if (1 - lowest) / step <= _MOST_STEPS + 1e-9)
    return 1 - step * np.arange(math.floor((1 - lowest) / step + 1e-9), -1, -1)


def _draw_panel(
    axes: Axes,
    lines: Sequence[_Line],
    others: Sequence[ClassCurve],
    lowest: float,
    axis: Axis,
    theme: Theme,
    side: float,
    noun: str,
) -> None:
    if others:
        paths = [curve.drawn() for curve in others]
        axes.add_collection(LineCollection(paths, colors=theme.pale, linewidths=0.5, alpha=0.5))
    if not axis.good_right and not lowest:
        axes.plot([0, 1], [0, 1], color=theme.pale, linewidth=1, linestyle=":")
    for line in reversed(lines):  # the first one on top
        axes.plot(*line.curve.drawn().T, color=line.style.colour, linestyle=line.style.pattern, linewidth=line.width)
    room, ticks = 0.02 * (1 - lowest), even_ticks(lowest)
    right = (lowest, 1 + room) if axis.good_right else (-room, 1 - lowest)
    axes.set(xlim=right, ylim=(lowest, 1 + room), xlabel=axis.across, ylabel=axis.up)
    axes.xaxis.set_label_coords(0.5, -0.3 / side)
    axes.yaxis.set_label_coords(-0.5 / side, 0.5)
    axes.xaxis.set_ticks(ticks if axis.good_right else np.sort(1 - ticks))
    axes.yaxis.set_ticks(ticks)
    for numbers in (axes.xaxis, axes.yaxis):
        numbers.set_major_formatter(PlainNumbers())
    corner = "right" if axis.good_right else "left"
    whole = "one class against the others" if noun == "class" else "with the label against without"
    title = f"the upper {corner} corner" if lowest else whole
    axes.set_title(title, loc="left", fontsize=10)


def _name_lines(
    figure: Figure,
    page: Page,
    noun: str,
    measure: str,
    rows: Sequence[tuple[str, LineStyle | None, float]],
    left: float,
    theme: Theme,
) -> None:
    """Write the legend, as a table: line (where there is one), class or label, value."""
    top, right = _TOP + 0.15, left + _LEGEND
    figure.text(*page.spot(left, top), noun, fontsize=_POINTS, color=theme.faint)
    figure.text(*page.spot(right, top), measure, ha="right", fontsize=_POINTS, color=theme.faint)
    for number, (name, style, value) in enumerate(rows, 1):
        down = top + number * _ROW
        if style:
            stroke = [page.spot(left + across, down - 0.04) for across in (0, _HANDLE - 0.1)]
            figure.add_artist(Line2D(*np.transpose(stroke), color=style.colour, linestyle=style.pattern, linewidth=1.8))
        figure.text(*page.spot(left + _HANDLE, down), name, fontsize=_POINTS)
        figure.text(*page.spot(right, down), f"{value:.4f}", ha="right", fontsize=_POINTS)
