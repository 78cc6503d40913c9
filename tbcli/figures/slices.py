"""The metric of every run against each setting, one panel per setting."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tbcli.effects.inquiry import Inquiry
from tbcli.effects.judging import SettingEffect
from tbcli.effects.spaces import Floats
from tbcli.figures.colours import Theme
from tbcli.figures.effect_bars import heading_for, told_of
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.pages import require_room
from tbcli.figures.panel_grid import POINTS, PanelGrid, set_ticks, write_panel_title
from tbcli.figures.setting_axes import SettingAxis
from tbcli.figures.style import USUAL, Look, one_look, write_heading

_MOST = 12
_SPREAD = 0.03  # by which runs with one word are moved apart


def draw_slices(inquiry: Inquiry, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure; see `tbcli.figures.effect_bars.draw_effects` for the arguments."""
    settings = inquiry.effects.settings[:_MOST]
    grid, theme = PanelGrid(len(settings), 0.0, look.size), look.theme
    require_room(look.size, grid.least)
    heading = heading_for(
        inquiry, "runs by setting", title, "the best run orange" if best_run(inquiry) is not None else ""
    )
    axes_of = [SettingAxis.of(one.factor) for one in settings]
    words = [text for axis in axes_of for _, text in axis.ticks]
    letters = lettering_for([*heading.texts, *(one.name for one in settings), *words])
    with one_look(letters.families, theme):
        figure = Figure(figsize=(grid.page.width, grid.page.height))
        write_heading(figure, grid.page, letters, heading, left=0.35, theme=theme)
        names = letters.shortened([one.name for one in settings], POINTS + 1, grid.width)
        for position, (one, axis) in enumerate(zip(settings, axes_of, strict=True)):
            axes = grid.axes(figure, position)
            _draw_runs(axes, inquiry, one, axis, theme)
            set_ticks(axes, axis, letters, grid.width)
            _title(axes, names[position], one, letters, grid.width, theme)
    return figure


def _title(axes: Axes, name: str, one: SettingEffect, letters: Lettering, width: float, theme: Theme) -> None:
    write_panel_title(axes, letters, name, told_of(one, ", "), width, theme)


def _draw_runs(axes: Axes, inquiry: Inquiry, one: SettingEffect, axis: SettingAxis, theme: Theme) -> None:
    x, y = runs_along(inquiry, axis)
    if not one.factor.is_number:
        order = np.random.default_rng(0).permutation(len(x))
        x = x + _SPREAD * (order / max(1, len(x) - 1) - 0.5)
    axes.scatter(x, y, s=float(np.clip(900 / len(x), 4, 22)), c=theme.train, alpha=0.55, linewidths=0, zorder=2)
    best = best_run(inquiry)
    if best is not None:
        axes.scatter(x[best], y[best], s=34, c=theme.validation, linewidths=0, zorder=4)


def runs_along(inquiry: Inquiry, axis: SettingAxis) -> tuple[Floats, Floats]:
    """Return the place of each run on the axis of a setting, and its value, in the order of the runs."""
    places = np.empty(len(inquiry.values))
    for place, members in zip(axis.places, inquiry.effects.points.members, strict=True):
        places[list(members)] = place
    return places, np.array(inquiry.values)


def best_run(inquiry: Inquiry) -> int | None:
    """Return the position of the best run, None where no value is better than another."""
    if not inquiry.direction.sense or min(inquiry.values) == max(inquiry.values):
        return None
    return int(np.argmin(inquiry.values) if inquiry.is_lower_better else np.argmax(inquiry.values))
