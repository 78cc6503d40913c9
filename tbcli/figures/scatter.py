"""Predicted values as figures: against the true ones, and their errors against what was predicted; a panel per value.

For a file: in any format, with a title. `tbcli.figures.png.predicted` draws those of every epoch for TensorBoard.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tbcli.figures.colours import Theme, blended
from tbcli.figures.confusions import finite_rows
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import HEADER, Page, require_room
from tbcli.figures.regressions import error_span, finite_pairs, poorest_values, shared_span
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading
from tbcli.runs import Run
from tbcli.runs.evidence import Predictions
from tbcli.tasks.value_report import ValueReport, report_values

MOST_PANELS = 12
_MOST_POINTS = 4_000  # of more samples their density is shown
_CELLS = 90  # of the density, in each direction
_LEFT, _RIGHT, _BELOW, _ABOVE, _GUTTER, _NOTE = 0.88, 0.35, 0.55, 0.42, 0.88, 0.3  # inches
_ABOVE_ONE = 0.15  # inches, of a panel whose value is named in the title
_SIDES = {1: 4.8, 2: 3.9, 3: 3.1}  # inches of a panel, by the number of columns
_LEAST = 1.0
_POINTS = 8.5
_BINS = 40
_BESIDE = 0.22  # share of a panel of errors that their histogram takes


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the panels stand.

    Args:
        count: How many there are.
        proportion: Width of a panel by its height; of another than 1 a panel is as wide as the page allows.
        size: Width and height of the page that the user chose.
        above: Inches above a panel.
    """

    count: int
    proportion: float
    size: tuple[float, float] | None
    above: float = _ABOVE

    @property
    def columns(self) -> int:
        usual = 2 if self.count == 4 else min(self.count, 3)
        if not self.size:
            return usual
        fitting = (self.size[0] - _LEFT - _RIGHT + _GUTTER) / (_LEAST * self.proportion + _GUTTER)
        return max(1, min(usual, math.floor(fitting)))

    @property
    def rows(self) -> int:
        return math.ceil(self.count / self.columns)

    @property
    def height(self) -> float:
        """Inches of a panel."""
        if not self.size:
            return _SIDES[self.columns] / (1 if self.proportion == 1 else 1.25)
        down = (self.size[1] - HEADER - _NOTE) / self.rows - self.above - _BELOW
        return min(self._room, down) if self.proportion == 1 else down

    @property
    def _room(self) -> float:
        """Inches that a panel may be wide on a page of the chosen size."""
        return ((self.page.width - _LEFT - _RIGHT + _GUTTER) / self.columns) - _GUTTER

    @property
    def width(self) -> float:
        return self._room if self.size and self.proportion != 1 else self.height * self.proportion

    @property
    def page(self) -> Page:
        if self.size:
            return Page(*self.size)
        width = _LEFT + self.columns * (self.width + _GUTTER) - _GUTTER + _RIGHT
        return Page(width, HEADER + self.rows * (self.above + self.height + _BELOW) + _NOTE)

    @property
    def rows_that_fit(self) -> int:
        """Rows of the smallest panels that a page of the chosen size has room for."""
        return max(1, math.floor((self.page.height - HEADER - _NOTE) / (self.above + _LEAST + _BELOW)))

    def corner(self, position: int) -> tuple[float, float]:
        """Return the inches from the left and from the top of the page to a panel."""
        row, column = divmod(position, self.columns)
        return _LEFT + column * (self.width + _GUTTER), HEADER + row * (self.above + self.height + _BELOW) + self.above


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the axes of a panel stand on a page, in inches from its upper left corner."""

    page: Page
    left: float
    down: float
    width: float
    height: float

    def spot(self, across: float, above: float) -> tuple[float, float]:
        """Return a point right of the left edge and above the upper one, as matplotlib counts."""
        return self.page.spot(self.left + across, self.down - above)


DrawPanel = Callable[[Figure, Frame, np.ndarray, np.ndarray, Theme], None]
"""Draws true and predicted values ``[n]``, finite and at least one."""


def draw_scatter(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return predicted against true values of one run; of too many those with the lowest R2.

    Args:
        run: Whose.
        predictions: Of the split that the run is judged by.
        title: In place of the run's name.
        look: Its colours and size.
    """
    return _draw(run, predictions, "predicted against true", draw_pairs, fit_told, 1.0, title, look)


def draw_errors(run: Run, predictions: Predictions, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the errors of one run, predicted less true, against what was predicted; see `draw_scatter`."""
    return _draw(run, predictions, "residuals", draw_errors_of, error_told, 1.5, title, look)


def _draw(
    run: Run,
    predictions: Predictions,
    kind: str,
    draw_panel: DrawPanel,
    told: Callable[[ValueReport, int], str],
    proportion: float,
    title: str,
    look: Look,
) -> Figure:
    require_room(look.size, Page(_LEFT + _LEAST * proportion + _RIGHT, HEADER + _ABOVE + _LEAST + _BELOW + _NOTE))
    report, names, theme = report_values(predictions.labels, predictions.outputs), predictions.class_names, look.theme
    plan = _Plan(min(len(names), MOST_PANELS), proportion, look.size, _ABOVE if len(names) > 1 else _ABOVE_ONE)
    if look.size:
        plan = replace(plan, count=min(plan.count, plan.columns * plan.rows_that_fit))
    shown = poorest_values(report, plan.count)
    facts = (names[0], *_facts(predictions), told(report, 0)) if len(names) == 1 else _facts(predictions)
    heading = run_heading(run, kind, *facts, title=title)
    letters = lettering_for([*heading.texts, *names])
    with one_look(letters.families, theme):
        figure = Figure(figsize=(plan.page.width, plan.page.height))
        write_heading(figure, plan.page, letters, heading, left=0.35, theme=theme)
        short = letters.class_labels(names)
        for position, value in enumerate(shown):
            frame = Frame(plan.page, *plan.corner(position), plan.width, plan.height)
            facts_of_value = told(report, value) if len(names) > 1 else ""
            write_panel_heading(figure, frame, letters, short[value] if len(names) > 1 else "", facts_of_value, theme)
            draw_value(figure, frame, predictions, value, draw_panel, theme)
        if len(shown) < len(names):
            note = f"the {len(shown)} of {len(names)} values with the lowest R2"
            figure.text(*plan.page.spot(0.35, plan.page.height - 0.12), note, fontsize=_POINTS, color=theme.faint)
    return figure


def write_panel_heading(figure: Figure, frame: Frame, letters: Lettering, name: str, facts: str, theme: Theme) -> None:
    """Write the name of a value above its panel, and beside it its figures where there is room."""
    room = frame.width - letters.width(facts, _POINTS) - 0.15
    beside = room >= min(letters.width(name, _POINTS + 1.5), 0.5)
    fitted = letters.fitted(name, _POINTS + 1.5, room if beside else frame.width)
    figure.text(*frame.spot(0, 0.1), fitted, fontsize=_POINTS + 1.5)
    if beside:
        figure.text(*frame.spot(frame.width, 0.1), facts, ha="right", fontsize=_POINTS, color=theme.faint)


def draw_value(
    figure: Figure, frame: Frame, predictions: Predictions, value: int, draw_panel: DrawPanel, theme: Theme
) -> None:
    """Draw the panel of a value, or say that there is nothing to draw."""
    true, predicted = finite_pairs(predictions.labels[:, value], predictions.outputs[:, value])
    if len(true):
        draw_panel(figure, frame, true, predicted, theme)
    else:
        figure.text(*frame.spot(0, -0.2), "no finite prediction", fontsize=_POINTS, color=theme.wrong)


def _facts(predictions: Predictions) -> tuple[str, ...]:
    lost = int((~finite_rows(predictions.outputs)).sum())
    samples = counted(len(predictions.labels), f"{predictions.split} sample")
    return samples, f"{lost:,} of them without finite values" if lost else ""


def fit_told(report: ValueReport, value: int) -> str:
    """Return how well a value is predicted, in a few words."""
    explained = report.r2[value]
    return f"MAE {report.mae[value]:.4g}, R2 " + ("not defined" if np.isnan(explained) else f"{explained:.4g}")


def error_told(report: ValueReport, value: int) -> str:
    """Return how far off the predictions of a value are, in a few words."""
    return f"mean error {report.bias[value]:+.3g}, RMSE {report.rmse[value]:.4g}"


def _axes(figure: Figure, frame: Frame, across: str, up: str) -> Axes:
    box = frame.page.box(frame.left, frame.down, frame.width, frame.height)
    axes: Axes = figure.add_axes(box, xlabel=across, ylabel=up)
    axes.xaxis.set_label_coords(0.5, -0.3 / frame.height)
    axes.yaxis.set_label_coords(-0.68 / frame.width, 0.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PlainNumbers())
        axis.set_major_locator(MaxNLocator(nbins=5 if frame.height > 2 else 3))
    return axes


def draw_pairs(figure: Figure, frame: Frame, true: np.ndarray, predicted: np.ndarray, theme: Theme) -> None:
    """Draw predicted against true values, both axes to one scale."""
    low, high = shared_span(true, predicted)
    room = 0.03 * (high - low)
    axes = _axes(figure, frame, "true", "predicted")
    axes.set(xlim=(low - room, high + room), ylim=(low - room, high + room))
    axes.plot([low, high], [low, high], color=theme.faint, linewidth=1, linestyle=":", zorder=3)
    _draw_points(axes, true, predicted, theme)


def draw_errors_of(figure: Figure, frame: Frame, true: np.ndarray, predicted: np.ndarray, theme: Theme) -> None:
    """Draw errors against what was predicted, and beside them how often each occurs."""
    errors = predicted - true
    reach = error_span(errors)
    low, high = float(predicted.min()), float(predicted.max())
    room = 0.03 * (high - low) or abs(low) * 0.1 or 1.0
    axes = _axes(figure, frame, "predicted", "predicted less true")
    right = low - room + (high - low + 2 * room) / (1 - _BESIDE)  # the histogram covers no point
    axes.set(xlim=(low - room, right), ylim=(-1.05 * reach, 1.05 * reach))
    axes.axhline(0, color=theme.faint, linewidth=1, linestyle=":", zorder=3)
    _draw_points(axes, predicted, errors, theme)
    beside = axes.inset_axes((1 - _BESIDE, 0, _BESIDE, 1), sharey=axes)
    beside.hist(
        np.clip(errors, -reach, reach), bins=_BINS, range=(-reach, reach), orientation="horizontal",
        color=theme.validation, alpha=0.6,
    )  # fmt: skip
    beside.set_axis_off()
    beside.invert_xaxis()
    beyond = int((np.abs(errors) > reach).sum())
    if beyond:
        told = f"{beyond:,} beyond the axis"
        axes.text(0.01, 0.99, told, transform=axes.transAxes, va="top", fontsize=_POINTS, color=theme.wrong)


def _draw_points(axes: Axes, across: np.ndarray, up: np.ndarray, theme: Theme) -> None:
    """Draw points, of very many their density."""
    if len(across) <= _MOST_POINTS:
        size = float(np.clip(6_000 / len(across), 5, 24))
        axes.scatter(across, up, s=size, c=theme.train, alpha=0.5, linewidths=0)
        return
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    inside = np.clip(up, low, high)
    counts, _, _ = np.histogram2d(inside, across, _CELLS, ((low, high), (left, right)))
    shares = np.where(counts > 0, 0.12 + 0.88 * np.sqrt(counts / counts.max()), 0.0)
    colours = blended(theme.paper, theme.train, shares)
    axes.imshow(colours, extent=(left, right, low, high), origin="lower", aspect="auto", interpolation="nearest")
