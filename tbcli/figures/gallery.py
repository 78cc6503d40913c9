"""The worst samples as a figure: what was seen, what it is, what was predicted. Mistakes, or the largest errors.

For a file: in any format, with a title. `tbcli.figures.png.samples` draws those of every epoch for
TensorBoard, with Pillow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from tbcli.figures.answers import SampleText, describe_answers
from tbcli.figures.colours import Theme, as_rgb
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import percent
from tbcli.figures.pages import HEADER, Page, require_room
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading
from tbcli.runs import Run
from tbcli.runs.evidence import Mistakes
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION

_COLUMNS = 4, 6  # pictures side by side, of classes with long names and with short ones
_WIDTH = 8.4  # inches of all columns
_LARGEST, _GAP, _LINE = 1.5, 0.3, 0.165  # inches: of a picture, between two, of a line of text below
_LINES = 3
_SMALLER = 1.0  # inches of a picture, where the user chose the size of the page
_MARGIN, _TOP = 0.4, HEADER + 0.2
_LEAST_PIXELS = 32  # of a picture's longer side; smaller ones are magnified, so that gaps are whole pixels
_POINTS, _BETWEEN = 8.5, 0.25  # of the texts; inches between two of them
_SHARE = 0.55  # of a line, where the name of a label or value is not alone in it
_KINDS = {
    CLASSIFICATION.name: "most confident mistakes",
    MULTI_LABEL.name: "samples with the most wrong labels",
    REGRESSION.name: "largest errors",
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the pictures stand: from one to the next are whole pixels, for all of them are shown as one.

    Args:
        count: How many there are.
        height: Of each, in pixels; 0 where there are none to show.
        width: The same.
        columns: Pictures side by side.
        size: Width and height of the page that the user chose.
    """

    count: int
    height: int
    width: int
    columns: int
    size: tuple[float, float] | None = None

    @property
    def pitch(self) -> float:
        """Inches from one picture to the next in its row, before they are rounded to pixels."""
        return (self.size[0] - 2 * _MARGIN + _GAP if self.size else _WIDTH) / self.columns

    @property
    def scale(self) -> float:
        """Pixels per inch."""
        return max(self.height, self.width) / min(self.pitch - _GAP, _SMALLER if self.size else _LARGEST)

    @property
    def across(self) -> int:
        """Pixels from one picture to the next in its row."""
        return math.ceil(self.pitch * self.scale)

    @property
    def down(self) -> int:
        """Pixels from one row to the next."""
        return math.ceil(self.height + (_LINES * _LINE + _GAP) * self.scale)

    @property
    def rows(self) -> int:
        return max(1, math.ceil(self.count / self.columns))

    @property
    def page(self) -> Page:
        if self.size:
            return Page(*self.size)
        return Page(
            2 * _MARGIN + self.columns * self.across / self.scale - _GAP, _TOP + self.rows * self.down / self.scale
        )

    @property
    def rows_that_fit(self) -> int:
        """Rows that a page of the chosen size has room for."""
        return math.floor((self.page.height - _TOP) / (self.down / self.scale))

    def corner(self, number: int) -> tuple[int, int]:
        """Return the first row and column of a picture's pixels."""
        row, column = divmod(number, self.columns)
        return row * self.down, column * self.across


def draw_mistakes(run: Run, mistakes: Mistakes, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run; a sentence in place of pictures where there was no mistake.

    Args:
        run: Whose.
        mistakes: The most confident first.
        title: In place of the run's name.
        look: Its colours and size; a small page shows fewer mistakes.
    """
    plan, theme = _planned(mistakes, look.size), look.theme
    if plan.count < len(mistakes.rows):
        kept = None if mistakes.thumbnails is None else mistakes.thumbnails[: plan.count]
        mistakes = replace(mistakes, rows=mistakes.rows[: plan.count], thumbnails=kept)
    task = mistakes.predictions.task
    heading = run_heading(run, _KINDS[task.name], *_told(mistakes), title=title)
    letters = lettering_for([*heading.texts, *mistakes.predictions.class_names])
    pictures = _pictures(mistakes)
    room = plan.across / plan.scale - _BETWEEN - letters.width("guess ", _POINTS)
    names = letters.class_labels(mistakes.predictions.class_names)
    lines = _lines(mistakes, letters.shortened(names, _POINTS, room * (1 if task.has_classes else _SHARE)), theme)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(plan.page.width, plan.page.height))
        write_heading(figure, plan.page, letters, heading, left=_MARGIN, theme=theme)
        if pictures.size:
            _show_pictures(figure, plan, pictures, theme)
        _describe(figure, plan, letters, lines)
        if not len(mistakes.rows):
            figure.text(
                *plan.page.spot(_MARGIN, HEADER + 0.35), "All predictions are correct.", fontsize=11, color=theme.faint
            )
    return figure


def _planned(mistakes: Mistakes, size: tuple[float, float] | None) -> _Plan:
    """Return a plan with as many pictures as a page of that size holds.

    Raises:
        ConfigError: It has no room for a single one.
    """
    count, height, width, _ = _pictures(mistakes).shape
    letters = lettering_for(mistakes.predictions.class_names)
    texts = [text for answer in _answers(mistakes, mistakes.predictions.class_names) for text in _words(answer)]
    widest = max((letters.width(letters.legible(text), _POINTS) for text in texts), default=0.0)
    columns = int(np.clip(_WIDTH // (widest + _BETWEEN), *_COLUMNS))
    if not size:
        return _Plan(count, height, width, columns)
    require_room(size, Page(2 * _MARGIN + _SMALLER, _TOP + _SMALLER + _LINES * _LINE + _GAP))
    columns = max(1, min(columns, int((size[0] - 2 * _MARGIN + _GAP) // (_SMALLER + _GAP))))
    plan = _Plan(count, height, width, columns, size)
    return replace(plan, count=min(count, max(1, plan.rows_that_fit) * columns))


def _told(mistakes: Mistakes) -> tuple[str, str]:
    predictions, count = mistakes.predictions, mistakes.count
    total = len(predictions.labels)
    if predictions.task.outputs_are == "values":
        return counted(total, f"{predictions.split} sample"), f"the {len(mistakes.rows)} largest errors"
    among = f"{counted(count, 'mistake')} among {counted(total, f'{predictions.split} sample')}"
    how = "most confident" if predictions.task.has_classes else "worst"
    shown = f"the {how} first" if len(mistakes.rows) == count else f"the {len(mistakes.rows)} {how}"
    return f"{among} ({percent(count / total)})", shown if count > 1 else ""


def _pictures(mistakes: Mistakes) -> np.ndarray:
    """Return colours ``[k, height, width, 3]``; without height where there is nothing to see but words."""
    if mistakes.thumbnails is None or not len(mistakes.rows):
        return np.zeros((len(mistakes.rows), 0, _LEAST_PIXELS, 3), np.uint8)
    times = math.ceil(_LEAST_PIXELS / max(mistakes.thumbnails.shape[1:3]))
    pictures = mistakes.thumbnails.repeat(times, axis=1).repeat(times, axis=2)
    return np.broadcast_to(pictures, (*pictures.shape[:3], 3))


def _show_pictures(figure: Figure, plan: _Plan, pictures: np.ndarray, theme: Theme) -> None:
    """Show all pictures as one: a pair of axes for each would cost ten times as much."""
    corners = [plan.corner(number) for number in range(plan.count)]
    bottom, right = corners[-1][0] + plan.height, max(left for _, left in corners) + plan.width
    canvas = np.full((bottom, right, 3), as_rgb(theme.paper), np.uint8)
    for picture, (top, left) in zip(pictures, corners, strict=True):
        canvas[top : top + plan.height, left : left + plan.width] = picture
    axes = figure.add_axes(plan.page.box(_MARGIN, _TOP, right / plan.scale, bottom / plan.scale))
    axes.set_axis_off()
    axes.imshow(canvas, interpolation="nearest", aspect="auto")


def _answers(mistakes: Mistakes, names: Sequence[str]) -> list[SampleText]:
    predictions, rows = mistakes.predictions, mistakes.rows
    return describe_answers(predictions.task, predictions.labels[rows], predictions.outputs[rows], names, percent)


def _words(answer: SampleText) -> tuple[str, str]:
    return f"guess {answer.predicted}", f"true {answer.true}"


def _lines(mistakes: Mistakes, names: Sequence[str], theme: Theme) -> list[list[tuple[str, str]]]:
    """Return what stands below each picture, each line with its colour."""
    indices = mistakes.predictions.indices[mistakes.rows].tolist()
    lines = []
    for answer, index in zip(_answers(mistakes, names), indices, strict=True):
        guess, true = _words(answer)
        colour = theme.wrong if answer.is_wrong else theme.train
        lines.append([(guess, colour), (true, theme.ink), (f"{answer.note}  #{index}", theme.faint)])
    return lines


def _describe(figure: Figure, plan: _Plan, letters: Lettering, lines: Sequence[Sequence[tuple[str, str]]]) -> None:
    for number, texts in enumerate(lines):
        top, left = plan.corner(number)
        for line, (text, colour) in enumerate(texts, 1):
            spot = plan.page.spot(_MARGIN + left / plan.scale, _TOP + (top + plan.height) / plan.scale + line * _LINE)
            cut = letters.fitted(text, _POINTS, plan.across / plan.scale - _BETWEEN)
            figure.text(*spot, cut, fontsize=_POINTS, color=colour)
