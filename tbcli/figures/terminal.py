"""Charts of characters, as wide and as high as asked for: axes with numbers, a legend, several lines told apart."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tbcli.figures.canvas import BEHIND, Canvas
from tbcli.figures.series import Chart, Curve
from tbcli.figures.sources import EPOCH, STEP
from tbcli.figures.ticks import LARGEST, plain, ticks
from tbcli.naming.series import TEST, TRAIN, VALIDATION

NARROWEST, LOWEST = 30, 7  # characters, lines
_BESIDE = 64  # columns from which two charts stand side by side
_GAP = 3
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COLOURS = ("cyan", "yellow", "green", "magenta", "red", "blue")
_ORDER = {TRAIN: 0, "": 0, VALIDATION: 1, TEST: 2}

Paint = Callable[[str, str], str]
"""Given a text and the name of a colour, or ``bold`` or ``dim``, returns the text in it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a terminal takes it.

    Args:
        width: Columns.
        height: Lines for everything; 0 for as many as there are charts.
        braille: It can show them; else plain ASCII.
        paint: Colours a text, or returns it as it is.
        log: Which axes are logarithmic: ``""``, ``x``, ``y`` or ``xy``.
        smooth: What the curves were smoothed with.
    """

    width: int
    height: int = 0
    braille: bool = True
    paint: Paint = lambda text, style: text
    log: str = ""
    smooth: float = 0.0


class _Signs(NamedTuple):
    side: str
    tick: str
    corner: str
    bottom: str
    below: str
    more: str


_FINE = _Signs("│", "┤", "└", "─", "┬", "…")
_PLAIN = _Signs("|", "+", "+", "-", "+", "...")


def draw_charts(charts: Sequence[Chart], look: Look) -> list[str]:
    """Return the charts as lines, side by side where there is room; none is longer than the width.

    Args:
        charts: At least one.
        look: How the terminal takes it.
    """
    side_by_side = min(len(charts), most_side_by_side(look.width))
    rows = math.ceil(len(charts) / side_by_side)
    side_by_side = math.ceil(len(charts) / rows)
    width = (look.width - _GAP * (side_by_side - 1)) // side_by_side
    height = max(LOWEST, (look.height // rows) if look.height else 16)
    lines: list[str] = []
    for start in range(0, len(charts), side_by_side):
        if start and not look.height:
            lines.append("")
        blocks = [_draw(chart, max(width, NARROWEST), height, look) for chart in charts[start : start + side_by_side]]
        highest = max(len(block) for block in blocks)
        for row in range(highest):
            cells = [block[row] if row < len(block) else ("", 0) for block in blocks]
            line = "".join(text + " " * (max(width, NARROWEST) + _GAP - used) for text, used in cells[:-1])
            lines.append((line + cells[-1][0]).rstrip())
    return lines


def most_side_by_side(width: int) -> int:
    """Return how many charts find room beside one another."""
    return max(1, (width + _GAP) // (_BESIDE + _GAP))


_Line = tuple[str, int]  # a text and the columns that it takes


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    log: bool

    def place(self, values: Sequence[float]) -> list[float]:
        """Return where values lie between 0 and 1; what cannot be shown is NaN."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            shown = [math.log10(value) if 1 / LARGEST <= value <= LARGEST else math.nan for value in values]
        else:
            low, high, shown = self.low, self.high, list(values)
        return [(value - low) / (high - low) if abs(value) <= LARGEST else math.nan for value in shown]


def _draw(chart: Chart, width: int, height: int, look: Look) -> list[_Line]:
    curves = sorted(chart.curves, key=lambda curve: _ORDER.get(curve.split, 3)) if _is_one_run(chart) else chart.curves
    curves = list(curves)[: len(_LETTERS)]
    legend = _legend(curves, chart, width, look)
    rows = max(3, height - 3 - len(legend))
    y = _scale([value for curve in curves for value in _heights(curve)], log="y" in look.log)
    x = _scale([value for curve in curves for value in curve.x.tolist()], log="x" in look.log)
    title = _title(chart, width, look)
    if x is None or y is None:
        said = "no value that can be shown" + (" on a logarithmic axis" if look.log else "")
        return [title, (_cut(said, width, look), min(len(said), width)), *legend]
    marks = ticks(y.low, y.high, max(3, min(7, (rows + 2) // 2)), log=y.log)
    margin = min(max((len(mark.text) for mark in marks), default=1), width // 3)
    across = width - margin - 2
    canvas = Canvas(across, rows, braille=look.braille)
    _draw_curves(canvas, curves, x, y)
    texts = {round((1 - y.place([mark.value])[0]) * (rows - 1)): mark.text for mark in reversed(marks)}
    signs = _FINE if look.braille else _PLAIN
    lines = [title]
    for row, cells in enumerate(canvas.rows()):
        text = texts.get(row, "")
        head = look.paint(f"{text:>{margin}} {signs.tick if text else signs.side}", "dim")
        lines.append((head + _painted(cells, look), margin + 2 + across))
    lines += _axis(x, chart.x_label, margin, across, look, signs)
    return [*lines, *legend]


def _title(chart: Chart, width: int, look: Look) -> _Line:
    """Return the metric, and what it is drawn over."""
    logs = {"": "", "x": "; x logarithmic", "y": "; y logarithmic", "xy": "; both logarithmic"}[look.log]
    smooth = f"; smoothed {look.smooth:g}, dots as measured" if look.smooth else ""
    over = f" by {chart.x_label}{logs}{smooth}"
    metric = _cut(chart.metric, max(width - len(over), width // 2), look)
    over = _cut(over, width - _width(metric), look)
    return look.paint(metric, "bold") + look.paint(over, "dim"), _width(metric + over)


def _is_one_run(chart: Chart) -> bool:
    return len({curve.run for curve in chart.curves}) == 1


def _heights(curve: Curve) -> list[float]:
    values: list[float] = curve.y.tolist()
    for edge in (*(curve.band or ()), *((curve.raw[1],) if curve.raw else ())):
        values += edge.tolist()
    return values


def _scale(values: Sequence[float], *, log: bool) -> _Scale | None:
    shown = [value for value in values if abs(value) <= LARGEST and (value >= 1 / LARGEST or not log)]
    if not shown:
        return None
    low, high = min(shown), max(shown)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)
    return _Scale(low, high, log)


def _draw_curves(canvas: Canvas, curves: Sequence[Curve], x: _Scale, y: _Scale) -> None:
    alone = len(curves) == 1
    for number, curve in enumerate(curves):
        if curve.raw:
            raw_x, raw_y = (column.tolist() for column in curve.raw)
            canvas.draw(number, x.place(raw_x), y.place(raw_y), ".", behind=True)
        for edge in curve.band or ():
            canvas.draw(number, x.place(curve.x.tolist()), y.place(edge.tolist()), ".", behind=True)
    for number, curve in enumerate(curves):
        letter = "*" if alone else _LETTERS[number]
        canvas.draw(number, x.place(curve.x.tolist()), y.place(curve.y.tolist()), letter)
    every = max(12, canvas.width // 5)
    for number in range(len(curves) if not alone else 0):
        canvas.mark(number, _LETTERS[number], every, (2 + number * every // len(curves)) % every)


def _painted(cells: Sequence[tuple[str, int | None]], look: Look) -> str:
    """Return a row of the canvas with each stretch of one line in its colour."""
    parts: list[str] = []
    stretch, owner = "", cells[0][1]
    for char, line in cells:
        if line != owner:
            parts.append(_coloured(stretch, owner, look))
            stretch, owner = "", line
        stretch += char
    return "".join([*parts, _coloured(stretch, owner, look)])


def _coloured(text: str, line: int | None, look: Look) -> str:
    if line is None or not text:
        return text
    return look.paint(text, "dim" if line == BEHIND else _colour(line))


def _colour(line: int) -> str:
    return _COLOURS[line % len(_COLOURS)]


def _axis(x: _Scale, label: str, margin: int, across: int, look: Look, signs: _Signs) -> list[_Line]:
    """Return the line below the field, and the numbers below that."""
    most = max(2, min(8, across // 10))
    marks = ticks(x.low, x.high, most, log=x.log, counted=label in (STEP, EPOCH))
    line, numbers = [signs.bottom] * across, [" "] * (margin + 2 + across)
    free = 0
    for mark in marks:
        column = round(x.place([mark.value])[0] * (across - 1))
        start = max(0, min(margin + 2 + column - len(mark.text) // 2, len(numbers) - len(mark.text)))
        if start >= free:
            numbers[start : start + len(mark.text)] = mark.text
            line[column] = signs.below
            free = start + len(mark.text) + 2
    below = " " * (margin + 1) + signs.corner + "".join(line)
    text = "".join(numbers).rstrip()
    return [(look.paint(below, "dim"), len(below)), (look.paint(text, "dim"), len(text))]


def _legend(curves: Sequence[Curve], chart: Chart, width: int, look: Look) -> list[_Line]:
    """Return the lines of the legend: letter, name and last value of each curve."""
    entries = [_entry(number, curve, chart, len(curves) == 1) for number, curve in enumerate(curves)]
    lines: list[_Line] = []
    text, used = "", 0
    for number, entry in enumerate(entries):
        entry = _cut(entry, width, look)
        room = _width(entry)
        if used and used + _GAP + room > width:
            lines.append((text, used))
            text, used = "", 0
        between = " " * _GAP if used else ""
        text, used = text + between + look.paint(entry, _colour(number)), used + len(between) + room
    lines.append((text, used))
    hidden = len(chart.curves) - len(curves)
    if hidden:
        said = _cut(f"and {hidden} more curves: `--metric` or `--group-by`", width, look)
        lines.append((said, len(said)))
    return lines


def _entry(number: int, curve: Curve, chart: Chart, alone: bool) -> str:
    letter = "" if alone else f"{_LETTERS[number]} "
    splits = {other.split for other in chart.curves}
    split = (curve.split or TRAIN) if len(splits) > 1 else curve.split
    names = [curve.name if _is_one_run(chart) and len(splits) == 1 else split]
    if not _is_one_run(chart):
        names = [curve.run, split]
    members = f" (n={curve.members})" if curve.members > 1 else ""
    finite = [value for value in curve.y.tolist() if math.isfinite(value)]
    value = plain(finite[-1]) if finite else "no finite value"
    return f"{letter}{' '.join(filter(None, names))}{members} {value}"


def _width(text: str) -> int:
    """Return the columns that a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _cut(text: str, width: int, look: Look) -> str:
    """Return a text on one line, in characters the terminal has, with its middle left out where it is too long."""
    more = (_FINE if look.braille else _PLAIN).more
    text = "".join(char if char.isprintable() and (look.braille or char.isascii()) else "?" for char in text)
    if _width(text) <= width:
        return text
    room = max(0, width - len(more))
    head, tail = "", ""
    for char in text:
        if _width(head + char) > room // 2:
            break
        head += char
    for char in reversed(text):
        if _width(head + char + tail) > room:
            break
        tail = char + tail
    return head + more + tail
