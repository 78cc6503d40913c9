"""The health of the gradients as a figure: norms, size of the updates, dead units, one line per layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter

from tbcli.figures.colours import LIGHT, LineStyle, Theme, line_styles
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import PlainNumbers, epoch_ticks
from tbcli.figures.pages import LEFT, Sheet
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import run_heading
from tbcli.readers.gradient_health import GradientHealth
from tbcli.readers.series import Series
from tbcli.runs import Run

_MOST_HUES = 12  # layers up to which each has a colour of its own; of more the depth is the colour
_MOST_NAMED = 24
_MOST_DOTS = 40  # epochs up to which each one gets a dot
_POINTS, _NAME, _HANDLE, _ROW = 8.5, 1.8, 0.35, 0.2  # of the legend; all but the points in inches
_USUAL_UPDATE = 1e-3  # of the weights a step; a rule of thumb, https://cs231n.github.io/neural-networks-3/#ratio
_FEW_DECADES = 100.0  # largest over smallest value up to which 2 and 5 get a number too
_WHOLE = "all layers"


@dataclass(frozen=True, slots=True)
class _Panel:
    """One pair of axes."""

    title: str
    unit: str
    curves: Mapping[str, Series]
    log: bool = True
    guide: float = math.nan


def draw_gradients(run: Run, health: GradientHealth, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        health: At least one curve.
        title: In place of the run's name.
        look: Its colours and size.
    """
    whole = {} if health.whole is None else {_WHOLE: health.whole}
    panels = [
        _Panel("Gradient norm", "L2 norm", {**whole, **health.norms}),
        _Panel("Update-to-weight ratio", "norm of update / norm of weights", health.updates, guide=_USUAL_UPDATE),
        _Panel("Dead units", "share of the layer", health.dead, log=False),
    ]
    panels = [panel for panel in panels if panel.curves]
    theme = look.theme
    styles = layer_styles([*whole, *health.layers], theme)
    heading = run_heading(run, "gradients", "mean of each epoch", title=title)
    letters = lettering_for([*heading.texts, *styles])
    sheet, named = Sheet(len(panels), size=look.size), _named(list(styles))
    columns = max(1, math.floor(sheet.text_width / (_HANDLE + _NAME)))
    sheet = replace(sheet, legend=math.ceil(len(named) / columns) * _ROW + 0.25)
    sheet.check_size()
    with one_look(letters.families, theme):
        figure = Figure(figsize=(sheet.width, sheet.height))
        write_heading(figure, sheet.page, letters, heading, theme=theme)
        for position, panel in enumerate(panels):
            _draw_panel(figure.add_axes(sheet.box(position)), panel, styles, theme)
        _name_layers(figure, sheet, letters, named, styles, columns)
    return figure


def layer_styles(names: Sequence[str], theme: Theme = LIGHT) -> dict[str, LineStyle]:
    """Return a style for each layer, ink for all of them: hues for a few layers, for more a colour by depth."""
    layers = [name for name in names if name != _WHOLE]
    if len(layers) <= _MOST_HUES:
        styles = dict(zip(layers, line_styles(len(layers), theme), strict=True))
    else:
        depths = np.linspace(0, 0.9, len(layers))
        colours = [to_hex(colormaps["viridis"](depth)) for depth in depths]
        styles = {name: LineStyle(colour) for name, colour in zip(layers, colours, strict=True)}
    return {name: styles.get(name, LineStyle(theme.ink)) for name in names}


def _named(names: Sequence[str]) -> list[str]:
    """Return the layers that the legend has room for, the first and the last among them."""
    if len(names) <= _MOST_NAMED:
        return list(names)
    return [names[position] for position in np.linspace(0, len(names) - 1, _MOST_NAMED).round().astype(int)]


def _draw_panel(axes: Axes, panel: _Panel, styles: Mapping[str, LineStyle], theme: Theme) -> None:
    steps = np.unique(np.concatenate([series.step for series in panel.curves.values()]))
    dot = "o" if len(steps) <= _MOST_DOTS and len(panel.curves) <= _MOST_HUES + 1 else ""
    for name, series in panel.curves.items():
        values = np.where(np.isfinite(series.value), series.value, np.nan)
        # All layers together stand behind each of them, broad and pale, or a long run would show nothing else.
        (line,) = axes.plot(series.step, values, linewidth=1.4, marker=dot, markersize=3, zorder=2)
        line.set(color=styles[name].colour, linestyle=styles[name].pattern)
        if name == _WHOLE:
            line.set(linewidth=3.2, alpha=0.3, zorder=1.5)
    first, last = int(steps[0]), int(steps[-1])
    margin = max((last - first) * 0.03, 0.25 if last > first else 0.9)
    axes.set_xlim(first - margin, last + margin)
    axes.xaxis.set_major_locator(FixedLocator(epoch_ticks(first, last)))
    axes.xaxis.set_major_formatter(PlainNumbers())
    axes.set_xlabel("epoch")
    axes.set_ylabel(panel.unit)
    axes.xaxis.set_label_coords(0.5, -0.085)
    axes.set_title(panel.title, loc="left", fontsize=11, y=1, pad=8)
    _scale(axes, panel, theme)


def _scale(axes: Axes, panel: _Panel, theme: Theme) -> None:
    values = np.concatenate([series.value for series in panel.curves.values()])
    values = values[np.isfinite(values)]
    if not len(values):
        axes.text(0.5, 0.5, "no finite value", transform=axes.transAxes, ha="center", color=theme.faint)
        axes.set_yticks([])
    elif panel.log and (values > 0).any():
        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        if values.max() < _FEW_DECADES * values[values > 0].min():
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        if not math.isnan(panel.guide):
            axes.axhline(panel.guide, color=theme.frame, linewidth=1, linestyle=":", zorder=1)
            axes.annotate(
                "typical",
                (1, panel.guide),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                color=theme.faint,
                fontsize=8,
            )
    else:
        highest = float(values.max())
        axes.set_ylim(-0.03 * max(highest, 0.1), 1.1 * max(highest, 0.1))
        axes.yaxis.set_major_formatter(PlainNumbers())


def _name_layers(
    figure: Figure,
    sheet: Sheet,
    letters: Lettering,
    names: Sequence[str],
    styles: Mapping[str, LineStyle],
    columns: int,
) -> None:
    rows = math.ceil(len(names) / columns)
    short = letters.shortened(names, _POINTS, _NAME - 0.1)
    for number, name in enumerate(names):
        column, row = divmod(number, rows)
        left, down = LEFT + column * (_HANDLE + _NAME), sheet.legend_top + 0.15 + row * _ROW
        stroke = [sheet.page.spot(left + across, down - 0.04) for across in (0, _HANDLE - 0.1)]
        faint = 0.3 if name == _WHOLE else 1.0
        figure.add_artist(
            Line2D(
                *np.transpose(stroke),
                color=styles[name].colour,
                linestyle=styles[name].pattern,
                linewidth=1.8,
                alpha=faint,
            )
        )
        figure.text(*sheet.page.spot(left + _HANDLE, down), short[number], fontsize=_POINTS)
