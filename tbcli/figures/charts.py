"""Curves of any log directory as a figure: a panel a metric, train solid, validation dashed, groups as bands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from tbcli.figures.colours import FAINT, TRAIN, VALIDATION, run_colours
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import Sheet
from tbcli.figures.series import Chart, Curve, Gathered
from tbcli.figures.smoothing import Floats
from tbcli.figures.sources import EPOCH, STEP
from tbcli.figures.style import one_look, write_heading
from tbcli.figures.ticks import LARGEST, ticks
from tbcli.figures.titles import smoothing_note
from tbcli.naming.series import TEST
from tbcli.naming.series import VALIDATION as HELD_OUT

_Style = Literal["-", "--", ":"]
MOST_NAMES = 36
_STYLES: dict[str, _Style] = {HELD_OUT: "--", TEST: ":"}
_SPLIT_COLOURS = {HELD_OUT: VALIDATION, TEST: "#2a8f4a"}
_LEGEND_POINTS, _NOTE_POINTS = 8.5, 8.0
_ROW, _FOOT, _HANDLE = 0.185, 0.15, 0.6  # inches
_MOST_DOTS = 40  # points up to which each gets a dot of its own


@dataclass(frozen=True, slots=True)
class _Look:
    smooth: float
    log: str
    letters: Lettering
    colours: Mapping[str, str] = field(default_factory=dict)  # by run; empty for one run alone

    def colour(self, curve: Curve) -> str:
        return self.colours.get(curve.run) or _SPLIT_COLOURS.get(curve.split, TRAIN)


def draw_series(
    gathered: Gathered, *, heading: str, subheading: str = "", smooth: float = 0.0, log: str = ""
) -> Figure:
    """Return the figure.

    Args:
        gathered: What to draw; a panel for each of its charts.
        heading: The first line above it.
        subheading: The second.
        smooth: Weight of the past in the smoothing that was done; the measured values then stand pale behind.
        log: Which axes are logarithmic: ``""``, ``x``, ``y`` or ``xy``.
    """
    charts, runs = gathered.charts, gathered.runs
    names = [name for chart in charts for name in (chart.metric, *(curve.name for curve in chart.curves[:1]))]
    letters = lettering_for([heading, subheading, *runs[:MOST_NAMES], *names])
    look = _Look(smooth, log, letters, _colours(gathered) if len(runs) > 1 else {})
    note = _note(gathered, smooth)
    sheet = Sheet(len(charts), note=bool(note))
    legend, columns = _legend_texts(gathered, letters, sheet.text_width) if look.colours else ([], 1)
    if legend:
        sheet = replace(sheet, legend=math.ceil(len(legend) / columns) * _ROW + _FOOT)
    with one_look(letters.families):
        figure = Figure(figsize=(sheet.width, sheet.height))
        write_heading(figure, sheet.page, letters, heading, subheading)
        for position, chart in enumerate(charts):
            _draw_chart(figure.add_axes(sheet.box(position)), chart, look, sheet.panel_width)
        if legend:
            shades = [look.colours[run] for run in runs[:MOST_NAMES]]
            _draw_legend(figure, sheet, legend, [*shades, "none"][: len(legend)], columns)
        if note:
            text = letters.fitted(note, _NOTE_POINTS, sheet.text_width)
            figure.text(*sheet.spot(sheet.height - 0.12), text, fontsize=_NOTE_POINTS, color=FAINT)
    return figure


def _colours(gathered: Gathered) -> dict[str, str]:
    """Return a colour for each run: ours have that of their history."""
    ids = {run: gathered.ids.get(run, run) for run in gathered.runs}
    colours = run_colours(ids.values())
    return {run: colours[run_id] for run, run_id in ids.items()}


def _note(gathered: Gathered, smooth: float) -> str:
    """Return what was done to the curves."""
    curves = [curve for chart in gathered.charts for curve in chart.curves]
    has_bands = any(curve.band for curve in curves)
    band = "band: mean and sample standard deviation over the runs of a group" if has_bands else ""
    if smooth and has_bands:
        return f"{band}, each smoothed {smooth:g} as in TensorBoard first"
    return smoothing_note(smooth) if smooth else band


def _draw_chart(axes: Axes, chart: Chart, look: _Look, width: float) -> None:
    for curve in chart.curves:
        _draw_curve(axes, curve, look)
    _scale(axes, chart, look)
    # Placed by hand: matplotlib would measure every number along the axes to find room for either.
    title = look.letters.fitted(chart.metric, 11, width)
    axes.set_title(title, loc="left", fontsize=11, y=1, pad=25)
    axes.set_xlabel(chart.x_label + (", log scale" if "x" in look.log else ""))
    axes.xaxis.set_label_coords(0.5, -0.085)
    if "y" in look.log:
        axes.set_ylabel("log scale")
    keys = _keys(chart, look, width)
    if keys:
        axes.legend(
            handles=keys,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=3,
            fontsize=_LEGEND_POINTS,
            borderaxespad=0.3,
            borderpad=0.2,
            handlelength=2.2,
            columnspacing=1.6,
        )


def _draw_curve(axes: Axes, curve: Curve, look: _Look) -> None:
    colour, style = look.colour(curve), _STYLES.get(curve.split, "-")
    if curve.band:
        lower, upper = (_drawable(edge, look.log) for edge in curve.band)
        axes.fill_between(curve.x, lower, upper, color=colour, alpha=0.18, linewidth=0)
    if curve.raw:
        x, y = curve.raw
        axes.plot(x, _drawable(y, look.log), style, color=colour, linewidth=0.8, alpha=0.25)
    y = _drawable(curve.y, look.log)
    dense = len(y) > _MOST_DOTS
    axes.plot(
        curve.x,
        y,
        style,
        color=colour,
        linewidth=1.0 if dense and len(y) > 1000 and not curve.raw else 1.6,
        marker="o",
        markersize=2.2,
        markevery=_alone(y) if dense else None,
    )


def _drawable(values: Floats, log: str) -> Floats:
    """Return the values with NaN for what no axis can show."""
    shown = np.abs(values) <= LARGEST
    if "y" in log:
        shown &= values >= 1 / LARGEST
    result: Floats = np.where(shown, values, np.nan)
    return result


def _alone(values: Floats) -> list[int]:
    """Return the places whose neighbours are both missing: a line would not show them."""
    missing = np.isnan(np.concatenate(([np.nan], values, [np.nan])))
    found: list[int] = np.flatnonzero(~missing[1:-1] & missing[:-2] & missing[2:]).tolist()
    return found


def _scale(axes: Axes, chart: Chart, look: _Look) -> None:
    y = [_drawable(edge, look.log) for curve in chart.curves for edge in (curve.y, *(curve.band or ()))]
    y += [_drawable(curve.raw[1], look.log) for curve in chart.curves if curve.raw]
    x = np.concatenate([curve.x for curve in chart.curves])
    x = x[np.isfinite(x) & ((x > 0) | ("x" not in look.log))]
    finite = np.concatenate(y)
    finite = finite[np.isfinite(finite)]
    if not len(finite) or not len(x):
        axes.text(0.5, 0.5, "no value that can be shown", transform=axes.transAxes, ha="center", color=FAINT)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    _set_axis(axes, "x", float(x.min()), float(x.max()), "x" in look.log, counted=chart.x_label in (STEP, EPOCH))
    _set_axis(axes, "y", float(finite.min()), float(finite.max()), "y" in look.log)


def _set_axis(axes: Axes, name: str, low: float, high: float, log: bool, *, counted: bool = False) -> None:
    """Set limits and round numbers; matplotlib's own search for them costs as much as the drawing."""
    axis, limits = (axes.xaxis, axes.set_xlim) if name == "x" else (axes.yaxis, axes.set_ylim)
    if log:
        factor = (high / low) ** 0.03 if high > low else 2.0
        limits(low / factor, high * factor)
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
        axis.set_minor_formatter(NullFormatter())
    else:
        margin = (high - low) * (0.03 if name == "x" else 0.05) or (0.9 if counted else abs(high) * 0.1 or 1.0)
        bottom = 0.0 - margin if low >= 0 and low - margin < 0 and name == "y" else low - margin
        limits(bottom, high + margin)
    low, high = axis.get_view_interval()
    marks = ticks(float(low), float(high), 8 if name == "x" else 7, log=log, counted=counted)
    axis.set_major_locator(FixedLocator([mark.value for mark in marks]))
    if name == "x" or log:
        axis.set_major_formatter(FixedFormatter([mark.text for mark in marks]))
    else:
        axis.set_major_formatter(PlainNumbers())
    if log:
        axis.set_minor_locator(NullLocator())


def _keys(chart: Chart, look: _Look, width: float) -> list[Line2D]:
    """Return the legend of one panel: what solid, dashed and dotted mean, or how the one curve is called."""
    splits = {curve.split: curve for curve in chart.curves}
    if set(splits) == {""} and look.colours:
        return []
    if "train" in splits:
        splits.pop("", None)  # one style, one key
    texts = {split: split or "train" for split in splits}
    if len(splits) == 1:
        (split,) = splits
        name = next(iter(splits.values())).name
        texts = {split: split if look.colours else look.letters.fitted(name, _LEGEND_POINTS, width - _HANDLE)}
        if not look.colours and name == chart.metric:
            return []
    return [
        Line2D(
            [],
            [],
            color=FAINT if look.colours else _SPLIT_COLOURS.get(split, TRAIN),
            linewidth=1.6,
            linestyle=_STYLES.get(split, "-"),
            label=texts[split],
        )
        for split in sorted(splits, key=lambda split: list(_STYLES).index(split) if split in _STYLES else -1)
    ]


def _legend_texts(gathered: Gathered, letters: Lettering, inches: float) -> tuple[list[str], int]:
    """Return the entries of the legend below all panels, one a run, and how many stand side by side."""
    members = {curve.run: curve.members for chart in gathered.charts for curve in chart.curves}
    texts = [
        letters.fitted(run + (f" (n={members[run]})" if members[run] > 1 else ""), _LEGEND_POINTS, inches - _HANDLE)
        for run in gathered.runs[:MOST_NAMES]
    ]
    if len(gathered.runs) > MOST_NAMES:
        texts.append(f"and {len(gathered.runs) - MOST_NAMES} more")
    widest = max(letters.width(text, _LEGEND_POINTS) for text in texts) + _HANDLE
    return texts, max(1, min(math.floor(inches / widest), len(texts)))


def _draw_legend(figure: Figure, sheet: Sheet, texts: Sequence[str], shades: Sequence[str], columns: int) -> None:
    x, y = sheet.spot(sheet.legend_top)
    figure.legend(
        handles=[Line2D([], [], color=shade, linewidth=3) for shade in shades],
        labels=list(texts),
        loc="upper left",
        bbox_to_anchor=(x, y),
        ncols=columns,
        fontsize=_LEGEND_POINTS,
        borderaxespad=0,
        borderpad=0,
        handlelength=1.8,
        labelspacing=0.5,
    )
