"""The axes of a panel: limits, round numbers, and which values they can show."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from tbcli.figures.colours import Theme
from tbcli.figures.curves import LARGEST, Panel
from tbcli.figures.paint.ticks import ticks
from tbcli.figures.smoothing import Floats

_RANKS = 0.05  # share of the axis behind the curves that their ranks take


def drawable(values: Floats, log: str) -> Floats:
    """Return the values, in their shape, with NaN for what no axis can show."""
    shown = np.abs(values) <= LARGEST
    if "y" in log:
        shown &= values >= 1 / LARGEST
    result: Floats = np.where(shown, values, np.nan)
    return result


def set_scales(axes: Axes, panel: Panel, theme: Theme, *, has_ranks: bool) -> None:
    """Set both axes so that they hold what is drawn.

    Args:
        axes: Of the panel.
        panel: What is drawn.
        theme: Its colours.
        has_ranks: Curves end in a number, which needs room.
    """
    curves, log = panel.curves, panel.log
    y = [drawable(edge, log) for curve in curves for edge in (curve.y, *(curve.band or ()))]
    y += [drawable(curve.raw[1], log) for curve in curves if curve.raw]
    x = np.concatenate([curve.x for curve in curves])
    x = x[np.isfinite(x) & ((x > 0) | ("x" not in log))]
    finite = np.concatenate(y)
    finite = finite[np.isfinite(finite)]
    if not len(finite) or not len(x):
        axes.text(0.5, 0.5, panel.why_empty(), transform=axes.transAxes, ha="center", color=theme.faint)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    room = _RANKS if has_ranks else 0.0
    _set_axis(axes, "x", float(x.min()), float(x.max()), "x" in log, counted=panel.is_counted, room=room)
    _set_axis(axes, "y", float(finite.min()), float(finite.max()), "y" in log)


def _set_axis(
    axes: Axes, name: str, low: float, high: float, log: bool, *, counted: bool = False, room: float = 0.0
) -> None:
    """Set limits and round numbers; matplotlib's own search for them costs as much as the drawing."""
    axis, limits = (axes.xaxis, axes.set_xlim) if name == "x" else (axes.yaxis, axes.set_ylim)
    if log:
        factor = (high / low) ** 0.03 if high > low else 2.0
        limits(low / factor, high * factor * (high / low) ** room)
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
        axis.set_minor_formatter(NullFormatter())
    else:
        right = high + room * (high - low)
        limits(*(_x_limits(low, right, counted=counted) if name == "x" else _y_limits(low, high)))
    bottom, top = axis.get_view_interval()
    # Whole epochs were trained between the ends; beyond them there is nothing to count.
    marks = ticks(
        *((low, high) if counted and not log else (bottom, top)), 10 if name == "x" else 7, log=log, counted=counted
    )
    axis.set_major_locator(FixedLocator([mark.value for mark in marks]))
    axis.set_major_formatter(FixedFormatter([mark.text for mark in marks]))
    if log:
        axis.set_minor_locator(NullLocator())


def _x_limits(low: float, high: float, *, counted: bool) -> tuple[float, float]:
    margin = (high - low) * 0.03
    if counted and high - low < 20:  # a single epoch stands in the middle, few of them not at the edge
        margin = max(margin, 0.25 if high > low else 0.9)
    margin = margin or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _y_limits(low: float, high: float) -> tuple[float, float]:
    """Return limits that promise no accuracy above 1 and no loss below 0."""
    margin = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    bottom, top = low - margin, high + margin
    if low >= 0 > bottom:
        bottom = -0.03 * top
    if low >= 0 and high <= 1:
        top = min(top, 1 + 0.04 * (1 - bottom))
    return bottom, top
