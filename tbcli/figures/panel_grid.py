"""Equal panels below a heading, one per setting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tbcli.figures.colours import Theme
from tbcli.figures.lettering import Lettering
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import HEADER, Page
from tbcli.figures.setting_axes import ABSENT_AT, SettingAxis

LEFT, RIGHT = 0.85, 0.3
POINTS = 8.5
_ABOVE, _BELOW, _GUTTER = 0.45, 0.45, 0.75
_WIDTH, _HEIGHT, _LEAST = 2.7, 2.0, 1.1
_FEW_WORDS = 6  # that are all written, cut if they must be
_LABEL = 0.75  # inches that the text of a tick may take


@dataclass(frozen=True, slots=True)
class PanelGrid:
    """Where the panels stand.

    Args:
        count: How many there are.
        top: Inches above them, without the heading.
        size: Width and height of the page that the user chose.
        below: Inches below all.
    """

    count: int
    top: float = 0.0
    size: tuple[float, float] | None = None
    below: float = 0.15

    @property
    def columns(self) -> int:
        """How many stand side by side."""
        if not self.size:
            return 2 if self.count in (2, 4) else min(3, max(1, self.count))
        fitting = (self.size[0] - LEFT - RIGHT + _GUTTER) / (_LEAST + _GUTTER)
        return max(1, min(3, self.count, math.floor(fitting)))

    @property
    def rows(self) -> int:
        """How many stand one below the other."""
        return math.ceil(self.count / self.columns) if self.count else 0

    @property
    def page(self) -> Page:
        """The page that holds them."""
        if self.size:
            return Page(*self.size)
        columns = max(2, self.columns)  # a heading wants its room
        width = LEFT + columns * (_WIDTH + _GUTTER) - _GUTTER + RIGHT
        return Page(width, HEADER + self.top + self.rows * (_ABOVE + _HEIGHT + _BELOW) + self.below)

    @property
    def least(self) -> Page:
        """The smallest page that a user may choose."""
        return Page(LEFT + _LEAST + RIGHT, HEADER + self.top + self.rows * (_ABOVE + _LEAST + _BELOW) + self.below)

    @property
    def width(self) -> float:
        """Inches of a panel."""
        columns = self.columns if self.size else max(2, self.columns)
        return (self.page.width - LEFT - RIGHT + _GUTTER) / columns - _GUTTER

    def axes(self, figure: Figure, position: int) -> Axes:
        """Return the axes of a panel."""
        row, column = divmod(position, self.columns)
        height = (self.page.height - HEADER - self.top - self.below) / self.rows - _ABOVE - _BELOW
        left = LEFT + column * (self.width + _GUTTER)
        down = HEADER + self.top + row * (_ABOVE + height + _BELOW) + _ABOVE
        axes: Axes = figure.add_axes(self.page.box(left, down, self.width, height))
        axes.yaxis.set_major_formatter(PlainNumbers())
        axes.margins(y=0.08)
        return axes


def write_panel_title(axes: Axes, letters: Lettering, name: str, facts: str, width: float, theme: Theme) -> None:
    """Write what a panel shows above it: a name, and on the line below what is known of it."""
    axes.text(0, 1.0, letters.fitted(facts, POINTS - 0.5, width), transform=axes.transAxes, va="bottom",
              fontsize=POINTS - 0.5, color=theme.faint)  # fmt: skip
    axes.annotate(letters.fitted(name, POINTS + 1, width), (0, 1), (0, 13), xycoords="axes fraction",
                  textcoords="offset points", va="bottom", fontsize=POINTS + 1, color=theme.ink)  # fmt: skip


def set_ticks(axes: Axes, axis: SettingAxis, letters: Lettering, width: float) -> None:
    """Write the values of a setting below a panel, as far as they have room."""
    lowest = min(place for place, _ in axis.ticks)
    axes.set_xlim(min(-0.06, lowest - 0.06), 1.06)
    ticks = list(axis.ticks)
    while axis.is_number and len(ticks) > 2 and _touch(ticks, letters, width):
        ticks = ticks[::2]
    while len(ticks) > _FEW_WORDS and not axis.is_number and _are_cut(ticks, letters, width):
        ticks = ticks[::2]
    axes.set_xticks([place for place, _ in ticks])
    room = min(_LABEL, 0.95 * width / len(ticks))
    labels = letters.shortened([text for _, text in ticks], POINTS - 0.5, room)
    axes.set_xticklabels(labels, fontsize=POINTS - 0.5)
    if lowest == ABSENT_AT:
        axes.axvline(ABSENT_AT / 2, color=axes.spines["left"].get_edgecolor(), linewidth=0.6, linestyle=":")


def _are_cut(ticks: Sequence[tuple[float, str]], letters: Lettering, width: float) -> bool:
    """Say whether any text is wider than its share of the panel."""
    room = min(_LABEL, 0.95 * width / len(ticks))
    return any(letters.width(letters.legible(text), POINTS - 0.5) > room for _, text in ticks)


def _touch(ticks: Sequence[tuple[float, str]], letters: Lettering, width: float) -> bool:
    """Say whether the texts of neighbours come too close."""
    return any(
        (after - before) * width / 1.12 < (letters.width(one, POINTS) + letters.width(other, POINTS)) / 2 + 0.08
        for (before, one), (after, other) in pairwise(ticks)
    )


def fitted_labels(texts: Sequence[str], letters: Lettering, room: float) -> list[str]:
    """Return texts of ticks that fit the room of one."""
    return [letters.fitted(text, POINTS - 0.5, room) for text in texts]
