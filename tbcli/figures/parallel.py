"""Every run as a line across the axes of its settings and the metric, the better the stronger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tbcli.effects.inquiry import Inquiry
from tbcli.effects.spaces import Floats
from tbcli.figures.colours import Theme, blended
from tbcli.figures.effect_bars import heading_for
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import HEADER, Page, require_room
from tbcli.figures.panel_grid import POINTS
from tbcli.figures.setting_axes import SettingAxis
from tbcli.figures.slices import best_run, runs_along
from tbcli.figures.style import USUAL, Look, one_look, write_heading

_MOST = 9  # settings
_LEFT, _RIGHT, _BELOW, _ABOVE = 0.9, 1.1, 0.35, 0.2
_STEP, _LEAST_STEP, _HEIGHT, _LEAST_HEIGHT = 1.45, 0.6, 3.6, 1.2
_MANY = 100  # runs, of which only the best are to stand out
_SPREAD = 0.05  # by which runs with the same value are moved apart


def draw_parallel(inquiry: Inquiry, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure; see `tbcli.figures.effect_bars.draw_effects` for the arguments."""
    settings, theme = inquiry.effects.settings[:_MOST], look.theme
    steps = len(settings)
    require_room(look.size, Page(_LEFT + steps * _LEAST_STEP + _RIGHT, HEADER + _ABOVE + _LEAST_HEIGHT + _BELOW))
    width = max(6.0, _LEFT + steps * _STEP + _RIGHT)
    page = Page(*look.size) if look.size else Page(width, HEADER + _ABOVE + _HEIGHT + _BELOW)
    heading = heading_for(
        inquiry, "runs across settings", title, "the best run orange" if best_run(inquiry) is not None else ""
    )
    axes_of = [*(SettingAxis.of(one.factor) for one in settings)]
    names = _names([one.name for one in settings])
    letters = lettering_for([*heading.texts, *names, *(text for axis in axes_of for _, text in axis.ticks)])
    with one_look(letters.families, theme):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, left=0.35, theme=theme)
        height = page.height - HEADER - _ABOVE - _BELOW
        box = page.box(_LEFT, HEADER + _ABOVE, page.width - _LEFT - _RIGHT, height)
        axes: Axes = figure.add_axes(box, xlim=(0, steps), ylim=(-0.17, 1.05))
        axes.set_axis_off()
        _draw_lines(axes, inquiry, axes_of, theme)
        step = (page.width - _LEFT - _RIGHT) / max(1, steps)
        short = letters.shortened([*names, inquiry.asked], POINTS, 0.95 * step)
        for position, (name, axis) in enumerate(zip(short, [*axes_of, _metric_axis(inquiry)], strict=True)):
            _draw_axis(axes, position, name, axis, letters, step, theme)
    return figure


def _names(keys: Sequence[str]) -> list[str]:
    """Return keys without their sections, where they are different without."""
    short = [key.rpartition(".")[2] for key in keys]
    return short if len(set(short)) == len(short) else list(keys)


def _metric_axis(inquiry: Inquiry) -> SettingAxis:
    values = np.array(inquiry.values)
    low, high = float(values.min()), float(values.max())
    span = high - low
    if not span:
        return SettingAxis(np.full(len(values), 0.5), ((0.5, f"{low:.4g}"),))
    ticks = [float(tick) for tick in MaxNLocator(nbins=5).tick_values(low, high) if low <= tick <= high]
    texts = PlainNumbers().format_ticks(ticks)
    marks = tuple(((tick - low) / span, text) for tick, text in zip(ticks, texts, strict=True))
    return SettingAxis((values - low) / span, marks)


def _draw_lines(axes: Axes, inquiry: Inquiry, axes_of: list[SettingAxis], theme: Theme) -> None:
    """Draw the runs, the worst first; those with the same value are moved apart a little."""
    places = [runs_along(inquiry, axis)[0] for axis in axes_of]
    values = _metric_axis(inquiry).places
    order = np.argsort(values if not inquiry.is_lower_better else -values, kind="stable")
    lines = np.column_stack([*(_moved_apart(each) for each in places), values])
    goodness = np.empty(len(values))
    goodness[order] = np.linspace(0, 1, len(values)) if len(values) > 1 else 1.0
    colours = blended(theme.grid, theme.train, goodness ** (2 if len(values) <= _MANY else 4)) / 255
    x = np.arange(lines.shape[1])
    segments = [np.column_stack([x, lines[run]]) for run in order]
    width = float(np.clip(60 / len(values), 0.5, 1.6))
    alpha = float(np.clip(3 * _MANY / len(values), 0.35, 1.0))
    axes.add_collection(LineCollection(segments, colors=colours[order], linewidths=width, alpha=alpha, zorder=2))
    best = best_run(inquiry)
    if best is not None:
        axes.plot(x, lines[best], color=theme.validation, linewidth=2.2, zorder=4)


def _moved_apart(places: Floats) -> Floats:
    """Return places where no more than a few runs share one."""
    values, counts = np.unique(places, return_counts=True)
    if len(values) > len(places) / 2:
        return places
    gap = float(np.min(np.diff(values))) if len(values) > 1 else 1.0
    moved = places.copy()
    for value in values[counts > 1]:
        same = np.flatnonzero(places == value)
        moved[same] += np.linspace(-0.5, 0.5, len(same)) * min(_SPREAD, 0.4 * gap)
    return moved


def _draw_axis(
    axes: Axes, position: int, name: str, axis: SettingAxis, letters: Lettering, step: float, theme: Theme
) -> None:
    axes.plot([position, position], [0, 1], color=theme.frame, linewidth=1, zorder=3, clip_on=False)
    for place, text in axis.ticks:
        axes.annotate(letters.fitted(text, POINTS - 0.5, 0.8 * step), (position, place), (4, 0),
                      textcoords="offset points", va="center", fontsize=POINTS - 0.5, color=theme.ink, zorder=5,
                      bbox={"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
                      annotation_clip=False)  # fmt: skip
    axes.annotate(name, (position, 0), (0, -34), xycoords=("data", "data"), textcoords="offset points",
                  ha="center", va="top", fontsize=POINTS, color=theme.ink, annotation_clip=False)  # fmt: skip
