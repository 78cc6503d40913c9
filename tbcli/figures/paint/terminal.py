"""A scene painted with characters: axes with numbers, a legend, several lines told apart without colour."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tbcli.figures.curves import LARGEST, Curve, Panel, Scene
from tbcli.figures.paint.canvas import BEHIND, Canvas
from tbcli.figures.paint.ticks import plain, ticks
from tbcli.figures.titles import first_line, second_line
from tbcli.naming.words import TEST, TRAIN, VALIDATION

NARROWEST, LOWEST = 30, 7  # characters, lines
_BESIDE = 64  # columns from which two charts stand side by side
_GAP = 3
_AROUND = 3  # lines of a chart beside its field and its legend
_LEAST_ROWS = 10  # of the field, where no window limits the lines; else half of them
_FEW_POINTS = 8  # of a curve that has its letter on each
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COLOURS = ("cyan", "yellow", "green", "magenta", "red", "blue")
_ORDER = {TRAIN: 0, "": 0, VALIDATION: 1, TEST: 2}

Paint = Callable[[str, str], str]
"""Given a text and the name of a colour, or ``bold`` or ``dim``, returns the text in it."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a terminal can show.

    Args:
        width: Columns.
        height: Lines for everything; 0 for as many as the panels need.
        braille: Whether it has these characters; else plain ASCII.
        paint: Colours a text, or returns it as it is.
    """

    width: int
    height: int = 0
    braille: bool = True
    paint: Paint = lambda text, style: text


class _Signs(NamedTuple):
    side: str
    tick: str
    corner: str
    bottom: str
    below: str
    more: str


_FINE = _Signs("│", "┤", "└", "─", "┬", "…")
_PLAIN = _Signs("|", "+", "+", "-", "+", "...")


def draw_scene(scene: Scene, window: Window) -> list[str]:
    """Return the scene as lines, panels side by side where there is room; none is longer than the width.

    Args:
        scene: What to show.
        window: What the terminal can show.
    """
    lines, panels = _heading(scene, window), _with_statuses(scene)
    side_by_side = min(len(scene.panels), most_side_by_side(window.width))
    rows = math.ceil(len(scene.panels) / side_by_side)
    side_by_side = math.ceil(len(scene.panels) / rows)
    width = max((window.width - _GAP * (side_by_side - 1)) // side_by_side, NARROWEST)
    height = max(LOWEST, ((window.height - len(lines)) // rows) if window.height else 16)
    for start in range(0, len(scene.panels), side_by_side):
        if start and not window.height:
            lines.append("")
        blocks = [_draw(panel, width, height, window, scene.smooth) for panel in panels[start:][:side_by_side]]
        lines += _beside(blocks, width)
    return lines


def _with_statuses(scene: Scene) -> list[Panel]:
    """Return the panels, with the status of runs that have not finished behind their names."""
    names = {entry.id: f"{entry.label} ({entry.status})" for entry in scene.entries if entry.status}
    return [
        panel._replace(curves=tuple(replace(curve, run=names.get(curve.id, curve.run)) for curve in panel.curves))
        for panel in scene.panels
    ]


def _heading(scene: Scene, window: Window) -> list[str]:
    """Return what is drawn and its results, on one line if they fit."""
    heading = replace(scene.heading, kind="")
    first = _cut(first_line(heading, window.width, _width), window.width, window)
    second = _cut(second_line(heading, window.width, _width), window.width, window)
    if not second:
        return [window.paint(first, "bold")]
    if _width(first) + _GAP + _width(second) <= window.width:
        return [window.paint(first, "bold") + " " * _GAP + window.paint(second, "dim")]
    return [window.paint(first, "bold"), window.paint(second, "dim")]


def _beside(blocks: Sequence[Sequence[_Line]], width: int) -> list[str]:
    lines = []
    for row in range(max(map(len, blocks))):
        cells = [block[row] if row < len(block) else ("", 0) for block in blocks]
        line = "".join(text + " " * (width + _GAP - used) for text, used in cells[:-1])
        lines.append((line + cells[-1][0]).rstrip())
    return lines


def most_side_by_side(width: int) -> int:
    """Return how many panels fit beside one another."""
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


def _draw(panel: Panel, width: int, height: int, window: Window, smooth: float) -> list[_Line]:
    curves = list(panel.curves)
    if panel.is_of_one_run:
        curves.sort(key=lambda curve: _ORDER.get(curve.split, 3))
    curves = curves[: len(_LETTERS)]
    most = max(2, height - _AROUND - (height + 2) // 2) if window.height else len(curves) + 1
    legend = _legend(curves, panel, width, window, most)
    rows = max(3 if window.height else _LEAST_ROWS, height - _AROUND - len(legend))
    y = _scale([value for curve in curves for value in _heights(curve)], log="y" in panel.log)
    x = _scale([value for curve in curves for value in curve.x.tolist()], log="x" in panel.log)
    title = _title(panel, width, window, smooth)
    if x is None or y is None:
        said = panel.why_empty()
        return [title, (_cut(said, width, window), min(len(said), width)), *legend]
    marks = ticks(y.low, y.high, max(3, min(7, (rows + 2) // 2)), log=y.log)
    margin = min(max((len(mark.text) for mark in marks), default=1), width // 3)
    across = width - margin - 2
    canvas = Canvas(across, rows, braille=window.braille)
    _draw_curves(canvas, curves, x, y)
    texts = {round((1 - y.place([mark.value])[0]) * (rows - 1)): mark.text for mark in reversed(marks)}
    signs = _FINE if window.braille else _PLAIN
    lines = [title]
    for row, cells in enumerate(canvas.rows()):
        text = texts.get(row, "")
        head = window.paint(f"{text:>{margin}} {signs.tick if text else signs.side}", "dim")
        lines.append((head + _painted(cells, window), margin + 2 + across))
    lines += _axis(x, panel, margin, across, window, signs)
    return [*lines, *legend]


def _title(panel: Panel, width: int, window: Window, smooth: float) -> _Line:
    """Return the metric, and what it is drawn over."""
    logs = {"": "", "x": "; x logarithmic", "y": "; y logarithmic", "xy": "; both logarithmic"}[panel.log]
    smoothed = f"; smoothed {smooth:g}, dots as measured" if smooth else ""
    over = f" by {panel.x_label}{logs}{smoothed}"
    metric = _cut(panel.metric, max(width - len(over), width // 2), window)
    over = _cut(over, width - _width(metric), window)
    return window.paint(metric, "bold") + window.paint(over, "dim"), _width(metric + over)


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
    apart = max(12, canvas.width // 5)
    for number, curve in enumerate(curves if not alone else ()):
        every = 1 if len(curve.x) <= _FEW_POINTS else apart
        canvas.mark(number, _LETTERS[number], every, (2 + number * every // len(curves)) % every)


def _painted(cells: Sequence[tuple[str, int | None]], window: Window) -> str:
    """Return a row of the canvas with each stretch of one line in its colour."""
    parts: list[str] = []
    stretch, owner = "", cells[0][1]
    for char, line in cells:
        if line != owner:
            parts.append(_coloured(stretch, owner, window))
            stretch, owner = "", line
        stretch += char
    return "".join([*parts, _coloured(stretch, owner, window)])


def _coloured(text: str, line: int | None, window: Window) -> str:
    if line is None or not text:
        return text
    return window.paint(text, "dim" if line == BEHIND else _colour(line))


def _colour(line: int) -> str:
    return _COLOURS[line % len(_COLOURS)]


def _axis(x: _Scale, panel: Panel, margin: int, across: int, window: Window, signs: _Signs) -> list[_Line]:
    """Return the line below the field, and the numbers below that."""
    most = max(2, min(8, across // 10))
    marks = ticks(x.low, x.high, most, log=x.log, counted=panel.is_counted)
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
    return [(window.paint(below, "dim"), len(below)), (window.paint(text, "dim"), len(text))]


def _legend(curves: Sequence[Curve], panel: Panel, width: int, window: Window, most: int) -> list[_Line]:
    """Return at most so many lines: letter, name, last and best value of each curve, and how many have no room."""
    lines: list[_Line] = []
    named: list[int] = []  # before each line
    text, used = "", 0
    for number, curve in enumerate(curves):
        entry = _entry(number, curve, panel, width, window)
        room = _width(entry)
        if used and used + _GAP + room > width:
            lines.append((text, used))
            text, used = "", 0
        if not used:
            named.append(number)
        between = " " * _GAP if used else ""
        text, used = text + between + window.paint(entry, _colour(number)), used + len(between) + room
    lines.append((text, used))
    hidden = len(panel.curves) - len(curves)
    if len(lines) + bool(hidden) > most:
        hidden = len(panel.curves) - named[most - 1]
        lines = lines[: most - 1]
    if hidden:
        said = _cut(f"and {hidden} more curves: `--metric` or `--group-by`", width, window)
        lines.append((said, len(said)))
    return lines


def _entry(number: int, curve: Curve, panel: Panel, width: int, window: Window) -> str:
    """Return what stands in the legend of a curve; its name is cut where they are too long, its values are not."""
    alone = len(panel.curves) == 1
    letter = "" if alone else f"{_LETTERS[number]} "
    splits = {other.split for other in panel.curves}
    split = (curve.split or TRAIN) if len(splits) > 1 else curve.split
    names = [curve.name if len(splits) == 1 else split] if panel.is_of_one_run else [curve.run, split]
    values = [f"(n={curve.members})"] if curve.members > 1 else []
    values.append(plain(curve.last) if any(map(math.isfinite, _heights(curve))) else "no finite value")
    if curve.best and curve.is_judged:
        what = "best of the mean" if curve.members > 1 else "best"
        values.append(f"({what} {plain(curve.best.y)} at {curve.best.at})")
        values += [curve.best.guess] if curve.best.guess else []
    tail = _cut(" ".join(values), width - len(letter), window)
    name = " ".join(filter(None, names))
    room = width - _width(tail) - len(letter) - 1
    return letter + (f"{_cut(name, room, window)} " if room > 3 else "") + tail


def _width(text: str) -> int:
    """Return the columns that a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _cut(text: str, width: int, window: Window) -> str:
    """Return a text on one line, in characters the terminal has, with its middle left out where it is too long."""
    more = (_FINE if window.braille else _PLAIN).more
    text = "".join(char if char.isprintable() and (window.braille or char.isascii()) else "?" for char in text)
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
