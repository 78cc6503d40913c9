"""What mattered, as a figure: a bar for each setting, and below the metric at the values of the strongest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tbcli.effects.inquiry import Inquiry
from tbcli.effects.interactions import Interaction
from tbcli.effects.judging import CANNOT_TELL, CONFOUNDED, EFFECT, NOISE, SettingEffect
from tbcli.figures.colours import Theme, line_styles
from tbcli.figures.curves import Heading
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import percent
from tbcli.figures.pages import HEADER, RIGHT, Page, require_room
from tbcli.figures.panel_grid import LEFT, POINTS, PanelGrid, fitted_labels, write_panel_title
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, short_number

_MOST_BARS, _MOST_PANELS = 14, 6
_LINE = 0.18  # inches of a line of small text
_ROW, _NAME, _TEXT = 0.24, 2.2, 2.6  # inches of a bar's line, of names, and of what is written behind the bars
_FEWEST_PANELS, _MOST_LEVELS = 2, 12
_MOST_LINES = 6  # of a pair of settings


def heading_for(inquiry: Inquiry, kind: str, title: str, best: str = "") -> Heading:
    """Return what stands above a figure of many runs and their settings.

    Args:
        inquiry: What is drawn.
        kind: What the figure is.
        title: In place of the metric.
        best: How the best run is drawn, where there is one.
    """
    effects, facts = inquiry.effects, [counted(inquiry.effects.runs, "run")]
    if effects.is_repeated:
        facts.append(counted(len(effects.points.configurations), "configuration"))
    if better := {"min": "lower is better", "max": "higher is better"}.get(inquiry.direction.sense):
        facts += [better, *([best] if best else [])]
    return Heading(title or inquiry.asked, kind, results=tuple(facts))


def draw_effects(inquiry: Inquiry, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure.

    Args:
        inquiry: What mattered.
        title: In place of the metric's name.
        look: Its colours and size.
    """
    settings = inquiry.effects.settings[:_MOST_BARS]
    shown = _shown(settings)
    pair = inquiry.effects.interaction
    pair = pair if pair is not None and pair.verdict == EFFECT else None
    grid = PanelGrid(len(shown) + bool(pair), (len(settings) + 1) * _ROW + 0.1 + _LINE, look.size)
    require_room(look.size, Page(max(grid.least.width, LEFT + _NAME + _TEXT), grid.least.height))
    heading, theme = heading_for(inquiry, "effects of settings", title), look.theme
    letters = lettering_for([*heading.texts, *(one.name for one in settings), *_level_texts(shown)])
    with one_look(letters.families, theme):
        figure = Figure(figsize=(grid.page.width, grid.page.height))
        write_heading(figure, grid.page, letters, heading, left=0.35, theme=theme)
        _draw_bars(figure, grid.page, inquiry, settings, letters, theme)
        keys = [one.name for one in settings]
        names = dict(zip(keys, letters.shortened(keys, POINTS + 1, grid.width), strict=True))
        for position, one in enumerate(shown):
            axes = grid.axes(figure, position)
            _draw_levels(axes, inquiry, names[one.name], one, letters, grid.width, theme)
        if pair is not None:
            _draw_pair(grid.axes(figure, len(shown)), pair, letters, grid.width, theme)
    return figure


def _shown(settings: Sequence[SettingEffect]) -> list[SettingEffect]:
    """Return the settings whose values are drawn: those that matter, and as many others as give two panels."""
    moving = [one for one in settings if one.verdict in (EFFECT, CONFOUNDED)]
    others = [one for one in settings if one not in moving and 1 < len(one.levels) <= _MOST_LEVELS]
    return [*moving, *others[: max(0, _FEWEST_PANELS - len(moving))]][:_MOST_PANELS]


def _level_texts(settings: Sequence[SettingEffect]) -> list[str]:
    return [level.text for one in settings for level in one.levels]


def colour_of(one: SettingEffect, theme: Theme) -> str:
    """Return the colour of a verdict."""
    return {EFFECT: theme.train, CONFOUNDED: theme.validation, NOISE: theme.pale, CANNOT_TELL: theme.empty}[one.verdict]


def verdict_of(one: SettingEffect) -> str:
    """Return what the tests say of a setting, in a few words."""
    p = "" if one.p is None else f", p {one.p:.2g}"
    if one.verdict == CONFOUNDED:
        return f"this or {', '.join(one.confounded_with)}{p}"
    if one.verdict == CANNOT_TELL:
        return f"cannot tell: {one.why}"
    return f"{one.told}{p}"


def told_of(one: SettingEffect, gap: str) -> str:
    """Return its share of the variance, where that is known, and the verdict."""
    return verdict_of(one) if one.why else f"{percent(round(one.share, 3))}{gap}{verdict_of(one)}"


def _draw_bars(
    figure: Figure,
    page: Page,
    inquiry: Inquiry,
    settings: Sequence[SettingEffect],
    letters: Lettering,
    theme: Theme,
) -> None:
    left, room = 0.35 + _NAME, page.width - 0.35 - _NAME - _TEXT - RIGHT
    names = letters.shortened([one.name for one in settings], POINTS, _NAME - 0.1)
    widest = max([one.share for one in settings] + [1e-9])
    for line, (name, one) in enumerate(zip(names, settings, strict=True)):
        down = HEADER + 0.15 + line * _ROW
        figure.text(*page.spot(left - 0.1, down + 0.05), name, ha="right", fontsize=POINTS, color=theme.ink)
        length = max(0.02, room * one.share / widest)
        box = page.box(left, down - 0.08, length, 0.16)
        figure.add_axes(box, facecolor=colour_of(one, theme), xticks=[], yticks=[]).spines[:].set_visible(False)
        text = letters.fitted(told_of(one, "  "), POINTS, _TEXT + room - length - 0.1)
        figure.text(*page.spot(left + length + 0.08, down + 0.05), text, fontsize=POINTS, color=theme.faint)
    note = _parts(inquiry)
    more = len(inquiry.effects.settings) - len(settings)
    below = [f"{more} more settings are not shown"] if more else []
    below += ["bars: the share of the variance that each explains"] if inquiry.effects.is_testable else []
    below += ["below: adjusted means ± standard error"] if _shown(settings) else []
    down = HEADER + 0.15 + len(settings) * _ROW + 0.08
    for line, text in enumerate([note, "; ".join(below)]):
        text = letters.fitted(text, POINTS - 0.5, page.width - 0.7)
        figure.text(*page.spot(0.35, down + line * _LINE), text, fontsize=POINTS - 0.5, color=theme.faint)


def _parts(inquiry: Inquiry) -> str:
    """Return what the variance is made of; the parts add up to the whole."""
    effects = inquiry.effects
    if effects.unexplained is None:
        return f"{inquiry.asked} does not vary"
    if not effects.is_testable:
        return "which settings matter cannot be told"
    seeds = "" if effects.seed_share is None else f"seeds {percent(round(effects.seed_share, 3))}, "
    explained = f"with an effect, alone or in pairs, {percent(round(effects.explained, 3))}, "
    unexplained = f"unexplained {percent(round(effects.unexplained, 3))}"
    return f"of the variance: {explained}{seeds}{unexplained}"


def _draw_levels(
    axes: Axes, inquiry: Inquiry, name: str, one: SettingEffect, letters: Lettering, width: float, theme: Theme
) -> None:
    """Draw the adjusted means with their standard errors; the best values in the colour of what is right."""
    has_best = bool(inquiry.direction.sense) and one.verdict in (EFFECT, CONFOUNDED)
    x = np.arange(len(one.levels))
    means = np.array([level.adjusted for level in one.levels])
    if one.factor.is_number:
        axes.plot(x, means, color=theme.pale, linewidth=1, zorder=2)
    for place, level in zip(x, one.levels, strict=True):
        colour = theme.train if has_best and level.is_best else theme.faint
        axes.errorbar(place, level.adjusted, yerr=level.error, fmt="o", color=colour, markersize=4.5, linewidth=1.2,
                      capsize=2.5, zorder=3)  # fmt: skip
    axes.set_xlim(-0.5, len(one.levels) - 0.5)
    axes.set_xticks(x, _labels([level.text for level in one.levels], letters, width), fontsize=POINTS - 0.5)
    facts = f"{short_number(one.main.size)} ± {one.main.error:.2g} from worst to best"
    write_panel_title(axes, letters, name, facts, width, theme)


def _labels(texts: Sequence[str], letters: Lettering, width: float) -> list[str]:
    """Return the values below a panel; a range takes two lines."""
    parts = [text.partition("..") for text in texts]
    room = 0.97 * width / len(texts)
    first = fitted_labels([_compact(low) for low, _, _ in parts], letters, room)
    second = fitted_labels([dots + _compact(high) for _, dots, high in parts], letters, room)
    return ["\n".join(filter(None, lines)) for lines in zip(first, second, strict=True)]


def _compact(text: str) -> str:
    """Return a number in as few characters as say it; other texts as they are."""
    try:
        value = float(text)
    except ValueError:
        return text
    digits, exponent, power = f"{value:.2e}".partition("e")
    if value and not 1e-2 <= abs(value) < 1e5:
        return f"{float(digits):.2g}{exponent}{int(power)}"
    return f"{value:.3g}" if abs(value) < 1e3 else f"{value:.0f}"


def _draw_pair(axes: Axes, pair: Interaction, letters: Lettering, width: float, theme: Theme) -> None:
    """Draw the metric over the values of one setting, a line for each value of another."""
    ones, others = (list(dict.fromkeys(texts)) for texts in zip(*((c.one, c.other) for c in pair.cells), strict=True))
    means = {(cell.one, cell.other): np.nan if cell.mean is None else cell.mean for cell in pair.cells}
    styles = line_styles(len(others), theme)
    for other, style in list(zip(others, styles, strict=True))[:_MOST_LINES]:
        axes.plot(
            range(len(ones)),
            [means[one, other] for one in ones],
            color=style.colour,
            linestyle=style.pattern,
            marker="o",
            markersize=3.5,
            linewidth=1.3,
            label=letters.fitted(other, POINTS - 1, 1.2),
        )
    axes.set_xlim(-0.3, len(ones) - 0.7)
    axes.set_xticks(range(len(ones)), _labels(ones, letters, width), fontsize=POINTS - 0.5)
    axes.legend(fontsize=POINTS - 1, handlelength=1.4, borderaxespad=0.2)
    facts = f"together {percent(round(pair.share, 3))}, p {pair.p:.2g}; a line for each {pair.other.rpartition('.')[2]}"
    write_panel_title(axes, letters, f"{pair.one} with {pair.other}", facts, width, theme)
