"""A scene painted with matplotlib: one pair of axes per panel, train solid, validation dashed, groups as bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.figures.colours import LineStyle, Theme, run_styles
from tbcli.figures.curves import Curve, Panel, Scene
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.pages import Page, Sheet
from tbcli.figures.paint.legend import MOST_COLOURS, MOST_NAMES, Legend
from tbcli.figures.paint.scales import drawable, set_scales
from tbcli.figures.smoothing import Floats
from tbcli.figures.style import Look, one_look, write_heading
from tbcli.figures.titles import panel_title, short_number
from tbcli.naming.words import TEST, TRAIN, VALIDATION

_Pattern = Literal["-"] | tuple[float, tuple[float, ...]]
_DASHES: dict[str, _Pattern] = {VALIDATION: (0, (3.7, 1.6)), TEST: (0, (1.0, 1.65))}
_ORDER = (TRAIN, VALIDATION, TEST)
_LEGEND_POINTS, _NOTE_POINTS, _TITLE_POINTS, _LABEL_POINTS = 8.5, 8.0, 11.0, 9.0
_Y_LABEL = 0.56  # inches left of the axis; matplotlib would measure every number to find the place
_Y_GAP, _Y_FARTHEST = 0.15, 0.67  # from the axis to the numbers and to the label; where the page ends
_X_LABEL = 0.27  # inches below it
_RANK_POINTS = 6.5
_RANK_AWAY = 14  # points right of the end of its curve
_RANK_REACH = 110  # points within which ends share a column of ranks
_MOST_DOTS = 40  # points up to which each gets a dot of its own


@dataclass(frozen=True, slots=True)
class PanelStyle:
    """How the curves of one figure are told apart."""

    theme: Theme
    letters: Lettering
    runs: Mapping[str, LineStyle]  # empty for one run alone
    ranks: Mapping[str, int]  # written at the end of the curves; empty for few runs
    is_crowded: bool

    def colour(self, curve: Curve) -> str:
        """Return the colour of a curve."""
        if curve.id in self.runs:
            return self.runs[curve.id].colour
        return {VALIDATION: self.theme.validation, TEST: self.theme.test}.get(curve.split, self.theme.train)

    def dash(self, curve: Curve) -> _Pattern:
        """Return the dash pattern of a curve."""
        if not self.is_crowded:
            return _DASHES.get(curve.split, "-")
        return self.runs[curve.id].pattern if curve.is_judged else "-"

    def width(self, curve: Curve) -> float:
        """Return the width of a curve in points."""
        if self.is_crowded:
            return 1.1 if curve.is_judged else 0.7
        return 1.6 if len(curve.y) <= 1000 or curve.raw else 1.0


def draw_scene(scene: Scene, look: Look | None = None, *, title: str = "") -> Figure:
    """Return the figure.

    Args:
        scene: What it shows.
        look: Theme and size.
        title: In place of the first line above it.

    Raises:
        ConfigError: The size leaves no room for the panels.
    """
    look = look or Look()
    heading = replace(scene.heading, name=title or scene.heading.name)
    named = [text for panel in scene.panels for text in (panel.metric, panel.curves[0].name)]
    letters = lettering_for([*heading.texts, *(entry.label for entry in scene.entries[:MOST_NAMES]), *named])
    legend = Legend.of(scene, letters) if len(scene.entries) > 1 else None
    sheet = Sheet(len(scene.panels), notes=len(scene.notes), size=look.size)
    if legend:
        legend = legend.set_in(sheet.text_width)
        sheet = replace(sheet, legend=legend.height)
    sheet.check_size()
    style = style_of(scene, look.theme, letters)
    with one_look(letters.families, look.theme):
        figure = Figure(figsize=(sheet.width, sheet.height))
        write_heading(figure, sheet.page, letters, heading, theme=look.theme)
        draw_panels(figure, sheet.page, sheet, style, scene.panels)
        if legend:
            legend.draw(figure, sheet, style.runs, look.theme)
        for line, note in enumerate(reversed(scene.notes)):
            text = letters.fitted(note, _NOTE_POINTS, sheet.text_width)
            spot = sheet.spot(sheet.height - 0.12 - line * 0.2)
            figure.text(*spot, text, fontsize=_NOTE_POINTS, color=look.theme.faint)
    return figure


def style_of(scene: Scene, theme: Theme, letters: Lettering) -> PanelStyle:
    """Return how the curves of a scene are told apart."""
    ids = [entry.id for entry in scene.entries]
    styles = run_styles(ids, theme) if len(ids) > 1 else {}
    ranks = {one: rank for rank, one in enumerate(ids, 1)} if len(ids) > MOST_COLOURS else {}
    return PanelStyle(theme, letters, styles, ranks, scene.is_crowded)


def draw_panels(figure: Figure, page: Page, sheet: Sheet, style: PanelStyle, panels: Sequence[Panel]) -> None:
    """Draw panels on a sheet that lies in the upper left corner of a page.

    Args:
        figure: Where.
        page: All of the figure.
        sheet: The part of it that the panels take.
        style: How their curves are told apart.
        panels: As many as the sheet was made for.
    """
    titles = _titles([panel_title(panel.metric) for panel in panels], style.letters, sheet.panel_width)
    for position, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        x, y, width, height = sheet.box(position)
        corner = x * sheet.width, (1 - y - height) * sheet.height
        axes = figure.add_axes(page.box(*corner, width * sheet.width, height * sheet.height))
        _draw_panel(axes, panel, style, sheet, title)


def _titles(whole: Sequence[str], letters: Lettering, inches: float) -> list[str]:
    """Return titles that fit: each keeps its telling end, even one that all share, as long as they stay different."""
    titles = [letters.shortened([title], _TITLE_POINTS, inches)[0] for title in whole]
    return titles if len(set(titles)) == len(set(whole)) else letters.shortened(whole, _TITLE_POINTS, inches)


def _draw_panel(axes: Axes, panel: Panel, style: PanelStyle, sheet: Sheet, title: str) -> None:
    for curve in sorted(panel.curves, key=lambda curve: curve.is_judged):
        _draw_curve(axes, curve, panel, style)
    for curve in panel.curves:
        _mark_best(axes, curve, panel, style)
    set_scales(axes, panel, style.theme, has_ranks=bool(style.ranks))
    _label_ends(axes, panel, style, sheet.panel_height)
    axes.set_title(title, loc="left", fontsize=_TITLE_POINTS, y=1, pad=25)
    _label(axes, panel, style, sheet)


def _draw_curve(axes: Axes, curve: Curve, panel: Panel, style: PanelStyle) -> None:
    colour, dash = style.colour(curve), style.dash(curve)
    if curve.band:
        lower, upper = (drawable(edge, panel.log) for edge in curve.band)
        axes.fill_between(curve.x, lower, upper, color=colour, alpha=0.18, linewidth=0)
        _draw_bars(axes, curve, (lower, upper), panel, colour)
    if curve.raw:
        x, y = curve.raw
        axes.plot(x, drawable(y, panel.log), linestyle=dash, color=colour, linewidth=0.8, alpha=0.25)
    y = drawable(curve.y, panel.log)
    every = None if len(y) <= _MOST_DOTS and not style.is_crowded else _alone(y)
    axes.plot(
        curve.x,
        y,
        linestyle=dash,
        color=colour,
        linewidth=style.width(curve),
        alpha=0.3 if style.is_crowded and not curve.is_judged else None,
        marker="o",
        markersize=3.5 if len(y) <= _MOST_DOTS // 2 else 2.2,
        markevery=every,
    )


def _draw_bars(axes: Axes, curve: Curve, band: tuple[Floats, Floats], panel: Panel, colour: str) -> None:
    """Draw what lies around a mean that has no neighbour, where a band has no width."""
    mean = drawable(curve.y, panel.log)
    if alone := _alone(mean):
        ends = [np.abs(np.where(np.isnan(edge), mean, edge) - mean)[alone] for edge in band]
        axes.errorbar(curve.x[alone], mean[alone], yerr=ends, fmt="none", ecolor=colour, elinewidth=1, capsize=4)


def _alone(values: Floats) -> list[int]:
    """Return the places whose neighbours are both missing: a line would not show them."""
    missing = np.isnan(np.concatenate(([np.nan], values, [np.nan])))
    places: list[int] = np.flatnonzero(~missing[1:-1] & missing[:-2] & missing[2:]).tolist()
    return places


def _mark_best(axes: Axes, curve: Curve, panel: Panel, style: PanelStyle) -> None:
    """Ring the best value of the curve that its run is judged by."""
    best = panel.best_of(curve)
    if not best or not curve.is_judged:
        return
    if not style.runs:
        axes.axvline(best.x, color=style.theme.pale, linewidth=1, linestyle=":", zorder=1)
    size = 4 if style.is_crowded else 7
    axes.plot(
        [best.x],
        [best.y],
        "o",
        color=style.colour(curve),
        markersize=size,
        markeredgecolor=style.theme.ink,
        markeredgewidth=size / 7,
        zorder=5,
    )


def _label_ends(axes: Axes, panel: Panel, style: PanelStyle, height: float) -> None:
    """Write its rank at the end of each curve, where there are more runs than colours; of many those of the best."""
    most = int(height * 72 / _RANK_POINTS)
    ends: dict[int, tuple[float, float]] = {}
    for curve in panel.curves:
        values, rank = drawable(curve.y, panel.log), style.ranks.get(curve.id, most + 1)
        places = np.flatnonzero(np.isfinite(values) & np.isfinite(curve.x))
        if rank <= min(most, MOST_NAMES) and curve.is_judged and len(places):
            ends[rank] = float(curve.x[places[-1]]), float(values[places[-1]])
    points = {rank: axes.transData.transform(end) * 72 / axes.figure.dpi for rank, end in ends.items()}
    bottom, top = (float(edge) * 72 / axes.figure.dpi for edge in (axes.bbox.y0, axes.bbox.y1))
    spots = _apart({rank: (float(x), float(y)) for rank, (x, y) in points.items()}, bottom, top)
    tie = {"arrowstyle": "-", "linewidth": 0.4, "color": style.theme.faint, "shrinkA": 0, "shrinkB": 0}
    for rank, end in ends.items():
        axes.annotate(
            str(rank),
            end,
            (spots[rank][0] - float(points[rank][0]), spots[rank][1] - float(points[rank][1])),
            textcoords="offset points",
            arrowprops={**tie, "relpos": (0, 0.5)},  # a thin line: the labels stand apart, the ends need not
            va="center",
            fontsize=_RANK_POINTS,
            color=style.theme.ink,
            annotation_clip=False,
        )


def _apart(places: Mapping[int, tuple[float, float]], bottom: float, top: float) -> dict[int, tuple[float, float]]:
    """Return where labels stand so that none covers another: in a column right of ends that are near."""
    spots: dict[int, tuple[float, float]] = {}
    waiting = sorted(places, key=lambda one: places[one], reverse=True)
    while waiting:
        right = places[waiting[0]][0]
        near = sorted((one for one in waiting if right - places[one][0] < _RANK_REACH), key=lambda one: places[one][1])
        waiting = [one for one in waiting if one not in near]
        stack: list[float] = []
        for one in near:
            stack.append(max(places[one][1], stack[-1] + _RANK_POINTS if stack else -np.inf))
        down = sum(stack) / len(stack) - sum(places[one][1] for one in near) / len(near)
        down = min(max(down, stack[-1] - top), max(0.0, stack[0] - bottom))
        spots |= {one: (right + _RANK_AWAY, height - down) for one, height in zip(near, stack, strict=True)}
    return spots


def _label(axes: Axes, panel: Panel, style: PanelStyle, sheet: Sheet) -> None:
    """Write the legend and the names of the axes, placed by hand."""
    letters, room = style.letters, sheet.panel_width
    axes.set_xlabel(panel.x_label + (", log scale" if "x" in panel.log else ""))
    axes.xaxis.set_label_coords(0.5, -_X_LABEL / sheet.panel_height)
    scale = ", log scale" if "y" in panel.log else ""
    height = sheet.panel_height - letters.width(scale, _LABEL_POINTS)
    (name,) = letters.shortened([panel.metric.rpartition("/")[2] or panel.metric], _LABEL_POINTS, height)
    numbers = [letters.width(label.get_text(), _LABEL_POINTS) for label in axes.get_yticklabels()]
    away = max(_Y_LABEL, max(numbers, default=0.0) + _Y_GAP)
    if away <= _Y_FARTHEST or scale:  # else the title alone names the metric
        axes.set_ylabel(name + scale)
    axes.yaxis.set_label_coords(-away / sheet.panel_width, 0.5)
    keys = _keys(panel, style, room)
    if keys:
        axes.legend(
            handles=keys,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=len(keys) if sheet.panel_width >= 3 else 2,
            fontsize=_LEGEND_POINTS,
            borderaxespad=0.3,
            borderpad=0.2,
            handlelength=2.2,
            columnspacing=1.6,
        )


def _keys(panel: Panel, style: PanelStyle, width: float) -> list[Line2D]:
    """Return the legend of one panel: what solid, dashed and the ring mean, or what the one curve is called."""
    splits = {curve.split: curve for curve in panel.curves}
    if TRAIN in splits:
        splits.pop("", None)  # one style, one key
    keys = []
    if set(splits) != {""}:
        ordered = sorted(splits, key=lambda split: _ORDER.index(split) if split in _ORDER else 0)
        keys += [_key(splits[split], split or TRAIN, style) for split in ordered]
    elif not style.runs and splits[""].name != panel.metric:
        keys.append(_key(splits[""], style.letters.fitted(splits[""].name, _LEGEND_POINTS, width * 0.5), style))
    ringed = [curve for curve in panel.curves if panel.best_of(curve) and curve.is_judged]
    if ringed and ringed[0].best:
        best = ringed[0].best
        what = "best of the mean" if any(curve.members > 1 for curve in ringed) else "best"
        text = what if style.runs else f"{what} {short_number(best.y)} at {best.at} {best.guess}".rstrip()
        colour = style.theme.faint if style.runs else style.colour(ringed[0])
        keys.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                color=colour,
                markersize=4 if style.is_crowded else 7,
                markeredgecolor=style.theme.ink,
                label=text,
            )
        )
    return keys


def _key(curve: Curve, text: str, style: PanelStyle) -> Line2D:
    colour = style.theme.faint if style.runs else style.colour(curve)
    dash = ("-" if style.is_crowded else style.dash(curve)) if style.runs else style.dash(curve)
    pale = 0.3 if style.is_crowded and not curve.is_judged else None
    return Line2D([], [], color=colour, linewidth=style.width(curve), linestyle=dash, alpha=pale, label=text)
