"""The runs of a comparison, below its panels, where a legend covers no curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.figures.colours import LineStyle, Theme
from tbcli.figures.curves import MANY_RUNS, Scene
from tbcli.figures.lettering import Lettering
from tbcli.figures.pages import Sheet

MOST_NAMES = 36
_POINTS = 8.5
_HANDLE, _ROW, _HEAD, _FOOT = 0.6, 0.185, 0.3, 0.15  # inches
_BETWEEN = "   "
MOST_COLOURS = 8  # runs that colours and dashes tell apart; beyond, curves end in their rank


@dataclass(frozen=True, slots=True)
class Legend:
    """One entry per run: its colour, its name, its best and test values.

    Args:
        ids: Of the runs, in the order they are shown.
        labels: What people call them, with the rank in front where it ends the curves.
        values: Their results, never cut.
        heading: What the values are.
        letters: The fonts.
        more: Runs that are drawn and not named.
        columns: Entries side by side.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    values: tuple[str, ...]
    heading: str
    letters: Lettering
    more: int = 0
    columns: int = 1

    @classmethod
    def of(cls, scene: Scene, letters: Lettering) -> Legend:
        """Return the legend that tells the runs apart, with their best values."""
        entries = scene.entries[:MOST_NAMES]
        values = tuple(
            _BETWEEN.join(filter(None, (f"({said})" if (said := entry.members or entry.status) else "", entry.values)))
            for entry in entries
        )
        return cls(
            tuple(entry.id for entry in entries),
            tuple(entry.label if letters.draws(entry.label) else entry.id for entry in entries),
            values,
            scene.legend_heading,
            letters,
            len(scene.entries) - len(entries),
        )

    def set_in(self, inches: float) -> Legend:
        """Return the legend in as many columns as fit; names that are too long are shortened, values never."""
        results = max(self._width(_BETWEEN + values) if values else 0.0 for values in self.values)
        rank = self._width("99 ") if len(self.ids) > MOST_COLOURS else 0.0
        labels = self.letters.shortened(self.labels, _POINTS, inches - _HANDLE - results - rank)
        widest = max(map(self._width, labels)) + results + rank + _HANDLE
        return replace(self, labels=tuple(labels), columns=max(1, min(math.floor(inches / widest), len(self.texts))))

    @property
    def texts(self) -> list[str]:
        """The entries as they are written."""
        ranks = [f"{rank} " if len(self.ids) > MOST_COLOURS else "" for rank in range(1, len(self.ids) + 1)]
        rows = zip(ranks, self.labels, self.values, strict=True)
        texts = [rank + _BETWEEN.join(filter(None, (label, values))) for rank, label, values in rows]
        return [*texts, *([f"and {self.more} more"] if self.more else [])]

    @property
    def height(self) -> float:
        """Inches."""
        head = _HEAD if self.heading else 0.0
        return head + math.ceil(len(self.texts) / self.columns) * _ROW + _FOOT

    def draw(self, figure: Figure, sheet: Sheet, styles: Mapping[str, LineStyle], theme: Theme) -> None:
        """Write it at the bottom of a sheet that has room for it."""
        x, y = sheet.spot(sheet.legend_top)
        if self.heading:
            figure.text(x, y, self.heading, fontsize=_POINTS, color=theme.faint, va="top")
        crowded = len(self.ids) > MANY_RUNS
        lines = [
            Line2D(
                [],
                [],
                color=styles[one].colour,
                linestyle=styles[one].pattern if crowded else "-",
                linewidth=1.5 if crowded else 3,
            )
            for one in self.ids
        ]
        figure.legend(
            handles=[*lines, *([Line2D([], [], linestyle="")] if self.more else [])],
            labels=self.texts,
            loc="upper left",
            bbox_to_anchor=(x, y - (0.2 / sheet.height if self.heading else 0)),
            ncols=self.columns,
            fontsize=_POINTS,
            borderaxespad=0,
            borderpad=0,
            handlelength=1.8,
            labelspacing=0.5,
        )

    def _width(self, text: str) -> float:
        return self.letters.width(text, _POINTS)
