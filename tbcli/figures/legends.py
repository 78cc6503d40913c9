"""The runs of a comparison, below its panels, where a legend covers no curve."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.figures.colours import FAINT
from tbcli.figures.curves import Panel, RunHistory, number_of, short_number
from tbcli.figures.lettering import Lettering
from tbcli.figures.pages import Sheet
from tbcli.naming.direction import best_position

_POINTS = 8.5
_HANDLE, _ROW, _HEAD, _FOOT = 0.6, 0.185, 0.3, 0.15  # inches


@dataclass(frozen=True, slots=True)
class RunLegend:
    """One entry a run: its colour, its name, its best and test values.

    Args:
        ids: Run ids, in the order they are shown.
        texts: Their entries, and above them the heading.
        heading: What the values are.
        columns: Entries side by side.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    heading: str
    columns: int = 1

    @classmethod
    def of(cls, histories: Sequence[RunHistory], panel: Panel) -> RunLegend:
        """Return the legend that tells the runs apart, with their best values of a panel."""
        names = Counter(told.run.name for told in histories)
        texts = []
        for told in histories:
            run = told.run
            name = run.name if names[run.name] == 1 and run.name else run.label
            texts.append("   ".join(filter(None, (name, _values(told, panel)))))
        return cls(tuple(told.run.id for told in histories), tuple(texts), f"best {panel.judged} @ epoch")

    def set_in(self, letters: Lettering, inches: float) -> RunLegend:
        """Return the legend with its entries cut and counted into columns so that they fit a width."""
        texts = tuple(letters.fitted(text, _POINTS, inches - _HANDLE) for text in self.texts)
        widest = max(letters.width(text, _POINTS) for text in texts) + _HANDLE
        return replace(self, texts=texts, columns=max(1, min(math.floor(inches / widest), len(texts))))

    @property
    def height(self) -> float:
        """Inches."""
        return _HEAD + math.ceil(len(self.texts) / self.columns) * _ROW + _FOOT

    def draw(self, figure: Figure, sheet: Sheet, colours: Mapping[str, str]) -> None:
        """Write it at the bottom of a sheet that has room for it."""
        x, y = sheet.spot(sheet.legend_top)
        figure.text(x, y, self.heading, fontsize=_POINTS, color=FAINT, va="top")
        figure.legend(
            handles=[Line2D([], [], color=colours[run_id], linewidth=3) for run_id in self.ids],
            labels=list(self.texts),
            loc="upper left",
            bbox_to_anchor=(x, y - 0.2 / sheet.height),
            ncols=self.columns,
            fontsize=_POINTS,
            borderaxespad=0,
            borderpad=0,
            handlelength=1.8,
            labelspacing=0.5,
        )


def _values(told: RunHistory, panel: Panel) -> str:
    values = told.values(panel.judged)
    position = best_position(panel.name, values)
    best = "" if position is None else f"{short_number(values[position])} @ {told.history.epochs[position]}"
    test = number_of(told.run.metrics, f"test_{panel.name}")
    return ", ".join(filter(None, (best, "" if test is None else f"test {short_number(test)}")))
