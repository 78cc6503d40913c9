"""The training history as a figure: a panel a metric, train solid, validation dashed, the best epoch marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter

from tbcli.figures.colours import FAINT, INK, TRAIN, VALIDATION, run_colours
from tbcli.figures.curves import Panel, RunHistory, alone_between_gaps, short_number, smoothed, wants_log_scale
from tbcli.figures.legends import RunLegend
from tbcli.figures.lettering import lettering_for
from tbcli.figures.numbers import PlainNumbers, epoch_ticks
from tbcli.figures.pages import Sheet
from tbcli.figures.style import one_look, write_heading
from tbcli.figures.titles import panel_title, smoothing_note, subtitle_of, title_of
from tbcli.naming.direction import NOT_METRICS, best_position

_MOST_DOTS = 40  # epochs up to which each one gets a dot of its own
_LEGEND_POINTS, _NOTE_POINTS = 8.5, 8.0


@dataclass(frozen=True, slots=True)
class _Look:
    """How the curves of this figure are told apart."""

    smooth: float
    colours: Mapping[str, str] = field(default_factory=dict)  # by run id; empty for a run alone

    def colour(self, told: RunHistory, column: str) -> str:
        alone = VALIDATION if column.startswith("val_") else TRAIN
        return self.colours.get(told.run.id, alone)


def draw_history(
    histories: Sequence[RunHistory], panels: Sequence[Panel], *, smooth: float = 0.0, title: str = ""
) -> Figure:
    """Return the figure of one run, or of several runs over one another.

    Args:
        histories: At least one, each with an epoch or more.
        panels: At least one.
        smooth: Weight of the past in TensorBoard's smoothing; the measured values then stand pale behind.
        title: In place of the run's name.
    """
    heading, subheading = title or title_of(histories), subtitle_of(histories)
    legend = RunLegend.of(histories, panels[0]) if len(histories) > 1 else None
    letters = lettering_for([heading, subheading, *(legend.texts if legend else ())])
    look = _Look(smooth, run_colours(told.run.id for told in histories) if legend else {})
    sheet = Sheet(len(panels), note=bool(smooth))
    if legend:
        legend = legend.set_in(letters, sheet.text_width)
        sheet = replace(sheet, legend=legend.height)
    with one_look(letters.families):
        figure = Figure(figsize=(sheet.width, sheet.height))
        write_heading(figure, sheet.page, letters, heading, subheading)
        for position, panel in enumerate(panels):
            axes = figure.add_axes(sheet.box(position))
            _draw_panel(axes, panel, [told for told in histories if panel.shows(told)], look)
        if legend:
            legend.draw(figure, sheet, look.colours)
        if smooth:
            note = letters.fitted(smoothing_note(smooth), _NOTE_POINTS, sheet.text_width)
            figure.text(*sheet.spot(sheet.height - 0.12), note, fontsize=_NOTE_POINTS, color=FAINT)
    return figure


def _draw_panel(axes: Axes, panel: Panel, histories: Sequence[RunHistory], look: _Look) -> None:
    for told in histories:
        for column in panel.columns:
            _draw_curve(axes, told, column, look)
    best = [_mark_best(axes, panel, told, look) for told in histories] if panel.name not in NOT_METRICS else []
    _scale(axes, panel, histories)
    # Placed by hand: matplotlib would measure every number along the axes to find room for either.
    axes.set_title(panel_title(panel.name), loc="left", fontsize=11, y=1, pad=25)
    axes.set_xlabel("epoch")
    axes.xaxis.set_label_coords(0.5, -0.085)
    if panel.name in NOT_METRICS:
        return  # one curve, neither trained on nor validated
    axes.legend(
        handles=_keys(panel, look, best),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=3,
        fontsize=_LEGEND_POINTS,
        borderaxespad=0.3,
        borderpad=0.2,
        handlelength=2.2,
        columnspacing=1.6,
    )


def _draw_curve(axes: Axes, told: RunHistory, column: str, look: _Look) -> None:
    values, epochs = told.values(column), told.history.epochs
    if not values:
        return
    style = "--" if column.startswith("val_") else "-"
    colour = look.colour(told, column)
    if look.smooth:
        axes.plot(epochs, values, style, color=colour, linewidth=1, alpha=0.25)
        values = tuple(smoothed(values, look.smooth))
    dots = None if len(epochs) <= _MOST_DOTS else alone_between_gaps(values)
    size = 3.5 if len(epochs) <= _MOST_DOTS // 2 else 2.2
    axes.plot(epochs, values, style, color=colour, linewidth=1.6, marker="o", markersize=size, markevery=dots)


def _mark_best(axes: Axes, panel: Panel, told: RunHistory, look: _Look) -> str:
    """Ring the best epoch, and return what to say of it."""
    values = told.values(panel.judged)
    position = best_position(panel.name, values)
    if position is None:
        return ""
    epoch, colour = told.history.epochs[position], look.colour(told, panel.judged)
    if not look.colours:
        axes.axvline(epoch, color="#bdbdbd", linewidth=1, linestyle=":", zorder=1)
    axes.plot([epoch], [values[position]], "o", color=colour, markersize=7, markeredgecolor=INK, zorder=5)
    return f"best {short_number(values[position])} at epoch {epoch}"


def _keys(panel: Panel, look: _Look, best: Sequence[str]) -> list[Line2D]:
    """Return the legend of one panel: what solid, dashed and the ring mean."""
    names = {True: "validation", False: "train"}
    keys, held_out = [], False
    for column in panel.columns:
        held_out = column.startswith("val_")
        colour = FAINT if look.colours else VALIDATION if held_out else TRAIN
        keys.append(
            Line2D([], [], color=colour, linewidth=1.6, linestyle="--" if held_out else "-", label=names[held_out])
        )
    if any(best):
        colour = FAINT if look.colours else VALIDATION if held_out else TRAIN
        said = "best epoch" if look.colours else best[0]
        keys.append(
            Line2D([], [], linestyle="", marker="o", markersize=7, color=colour, markeredgecolor=INK, label=said)
        )
    return keys


def _scale(axes: Axes, panel: Panel, histories: Sequence[RunHistory]) -> None:
    epochs = [epoch for told in histories for epoch in (told.history.epochs[0], told.history.epochs[-1])]
    first, last = min(epochs), max(epochs)
    margin = max((last - first) * 0.03, 0.25 if last > first else 0.9)
    axes.set_xlim(first - margin, last + margin)
    axes.xaxis.set_major_locator(FixedLocator(epoch_ticks(first, last)))
    axes.xaxis.set_major_formatter(PlainNumbers())
    values = [
        value
        for told in histories
        for column in panel.columns
        for value in told.values(column)
        if not math.isnan(value)
    ]
    if not values:
        axes.text(0.5, 0.5, "no finite value", transform=axes.transAxes, ha="center", color=FAINT)
        axes.set_yticks([])
        return
    if wants_log_scale(panel.name, values):
        axes.set_yscale("log")
        axes.set_ylabel("log scale")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        _stay_in_bounds(axes, min(values), max(values))
        axes.yaxis.set_major_formatter(PlainNumbers())


def _stay_in_bounds(axes: Axes, lowest: float, highest: float) -> None:
    """Keep the axis from promising an accuracy above 1 or a loss below 0."""
    bottom, top = axes.get_ylim()
    if lowest >= 0:
        bottom = max(bottom, -0.03 * (top - max(bottom, 0)))
    if highest <= 1 and lowest >= 0:
        top = min(top, 1 + 0.04 * (1 - bottom))
    axes.set_ylim(bottom, top)
