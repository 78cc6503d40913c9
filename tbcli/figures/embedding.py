"""Where the penultimate layer puts the samples, seen along the two directions in which they differ most."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.figures.colours import LIGHT, Theme, tint
from tbcli.figures.components import Components
from tbcli.figures.curves import Heading
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import PlainNumbers
from tbcli.figures.pages import Page, require_room
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading
from tbcli.runs import Run
from tbcli.runs.evidence import Features
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 6.2, 0.8, 0.25, 0.85, 0.8  # inches, of the axes and around them
_ROW, _HANDLE, _ENTRY, _GAP = 0.19, 0.3, 1.5, 0.2  # inches of the legend; _ENTRY is the widest name
_POINTS = 8.0
_LEAST = 1.6  # inches of the axes, where the user chose the size of the page
_RINGS = "Rings mark mistakes, in the colour of the predicted class."
_BAR_ROOM = 1.1  # inches of a scale of colours with its numbers
_RAMPS = {
    "light": ("#fde725", "#5ec962", "#21918c", "#3b528b", "#440154"),
    "dark": ("#482878", "#3b7ab5", "#21a585", "#8fd744", "#fde725"),
}
_MARKERS = "osD^vPX<>p*hH8d"  # with the hues and their tints 240 classes differ; the first eight in both


def draw_features(run: Run, seen: Features, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        seen: What its penultimate layer answered.
        title: In place of the run's name.
        look: Its colours and size.
    """
    return draw_embedding(seen, run_heading(run, "embedding", "PCA of the penultimate layer", title=title), look)


def draw_embedding(seen: Features, heading: Heading, look: Look = USUAL) -> Figure:
    """Return the figure below a heading, to which counts are added: the samples of classes in the colour of each."""
    return _DRAWN[seen.task.name](seen, heading, look)


def _draw_classes(seen: Features, heading: Heading, look: Look) -> Figure:
    """Draw one colour and shape per class; rings mark mistakes by their predicted class."""
    points = Components.of(seen.features)
    labels, guesses = seen.labels[points.finite], seen.outputs[points.finite].argmax(axis=1)
    shown = np.unique(labels).tolist()
    told = points.tell(counted(int((labels != guesses).sum()), "mistake"))
    heading = replace(heading, results=(*heading.results, told))
    letters = lettering_for([*heading.texts, *seen.class_names])
    names, theme = letters.class_labels(seen.class_names), look.theme
    height = (look.size[1] - _TOP - _BOTTOM) if look.size else _WIDTH
    legend = _Legend(letters.shortened([names[number] for number in shown], _POINTS, _ENTRY), letters, height)
    if look.size:
        legend.limit(look.size[0] - _LEFT - _LEAST - _RIGHT)
    page, width = _page(look, legend.width)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, theme=theme)
        axes = figure.add_axes(page.box(_LEFT, _TOP, width, height))
        _draw_points(axes, points, labels, guesses, shown, theme)
        points.name_axes(axes, width)
        legend.draw(figure, shown, *page.spot(_LEFT + width + _GAP, _TOP), theme)
        if (labels != guesses).any():
            figure.text(*page.spot(_LEFT, page.height - 0.15), _RINGS, fontsize=_POINTS, color=theme.faint)
    return figure


def _page(look: Look, beside: float) -> tuple[Page, float]:
    """Return the page and the width of the axes, with so many inches of a legend beside them."""
    require_room(look.size, Page(_LEFT + _LEAST + beside + _RIGHT, _TOP + _LEAST + _BOTTOM))
    if look.size:
        return Page(*look.size), look.size[0] - _LEFT - beside - _RIGHT
    return Page(_LEFT + _WIDTH + beside + _RIGHT, _TOP + _WIDTH + _BOTTOM), _WIDTH


def _draw_labels(seen: Features, heading: Heading, look: Look) -> Figure:
    """Draw samples in the colour of how many labels they have; rings mark those with a wrong label."""
    return _draw_numbers(seen, heading, look, seen.labels.astype(np.float64).sum(axis=1), "number of labels")


def _draw_values(seen: Features, heading: Heading, look: Look) -> Figure:
    """Draw samples in the colour of their value; of several the first."""
    more = f" (1 of {len(seen.class_names)} values)" if len(seen.class_names) > 1 else ""
    return _draw_numbers(seen, heading, look, seen.labels[:, 0].astype(np.float64), f"{seen.class_names[0]}{more}")


def _draw_numbers(seen: Features, heading: Heading, look: Look, numbers: np.ndarray, name: str) -> Figure:
    points, theme = Components.of(seen.features), look.theme
    wrong = np.zeros(int(points.finite.sum()), bool)
    told = ""
    if seen.task.outputs_are == "probabilities":
        wrong = seen.task.errors(seen.labels, seen.outputs)[points.finite] != 0
        told = f"{counted(int(wrong.sum()), 'sample')} with a wrong label"
    heading = replace(heading, results=(*heading.results, points.tell(told)))
    letters = lettering_for([*heading.texts, name])
    page, width = _page(look, _BAR_ROOM)
    height = page.height - _TOP - _BOTTOM
    colours = _ramp(theme)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, theme=theme)
        axes = figure.add_axes(page.box(_LEFT, _TOP, width, height))
        across, up = points.places.T
        drawn = axes.scatter(across, up, s=points.size, c=numbers[points.finite], cmap=colours, alpha=0.8, linewidths=0)
        if wrong.any():
            axes.scatter(across[wrong], up[wrong], s=points.size * 4, facecolors="none", edgecolors=theme.wrong)
            ringed = "Rings mark samples with a wrong label."
            figure.text(*page.spot(_LEFT, page.height - 0.15), ringed, fontsize=_POINTS, color=theme.faint)
        axes.margins(0.04)
        points.name_axes(axes, width)
        if len(across):
            beside = figure.add_axes(page.box(_LEFT + width + _GAP, _TOP, 0.18, height))
            bar = figure.colorbar(drawn, cax=beside)
            bar.set_label(letters.fitted(letters.legible(name), 10, height))
            beside.yaxis.set_major_formatter(PlainNumbers())
    return figure


def _ramp(theme: Theme) -> LinearSegmentedColormap:
    """Return colours from low to high: far apart in lightness too."""
    return LinearSegmentedColormap.from_list("values", _RAMPS[theme.name])


_DRAWN: Mapping[str, Callable[[Features, Heading, Look], Figure]] = {
    CLASSIFICATION.name: _draw_classes,
    MULTI_LABEL.name: _draw_labels,
    REGRESSION.name: _draw_values,
}


def _draw_points(
    axes: Axes, points: Components, labels: np.ndarray, guesses: np.ndarray, shown: list[int], theme: Theme
) -> None:
    places, size = points.places, points.size
    for number in shown:
        mine = labels == number
        colour, marker = _look(number, theme)
        axes.scatter(places[mine, 0], places[mine, 1], s=size, c=colour, marker=marker, alpha=0.65, linewidths=0)
    wrong = labels != guesses
    rings = [_look(int(guess), theme)[0] for guess in guesses[wrong]]
    if rings:
        across, up = places[wrong].T
        axes.scatter(across, up, s=size * 4, facecolors="none", edgecolors=rings, linewidths=1.3)
    axes.margins(0.04)


def _look(number: int, theme: Theme = LIGHT) -> tuple[str, str]:
    """Return the colour and the marker of a class."""
    turn, place = divmod(number, len(theme.hues))
    again, shift = divmod(turn, len(_MARKERS))
    colour = tint(theme.hues[place]) if again % 2 else theme.hues[place]
    return colour, _MARKERS[(place + shift) % len(_MARKERS)]


class _Legend:
    """The classes beside the picture, in as many columns as its height asks for.

    Args:
        names: Of the classes shown, short.
        letters: What they are written in.
        height: Inches that it may take.
    """

    def __init__(self, names: list[str], letters: Lettering, height: float) -> None:
        self._names = names
        self._rows = max(1, math.floor(height / _ROW))
        entry = max((letters.width(name, _POINTS) for name in names), default=0.0)
        self._column = _HANDLE + entry + _GAP

    @property
    def _columns(self) -> int:
        return math.ceil(len(self._names) / self._rows)

    @property
    def width(self) -> float:
        """Inches."""
        return self._columns * self._column + _GAP

    def limit(self, width: float) -> None:
        """Name only as many classes as a width has room for, at least one column of them, and count the others."""
        most = max(1, math.floor((width - _GAP) / self._column)) * self._rows
        if len(self._names) > most:
            self._names = [*self._names[: most - 1], f"{len(self._names) - most + 1} more"]

    def draw(self, figure: Figure, shown: list[int], x: float, y: float, theme: Theme) -> None:
        """Write it with its upper left corner at a place in fractions of the figure."""
        if not shown:
            return
        looks = [_look(number, theme) for number in shown[: len(self._names)]]
        if len(self._names) < len(shown):
            looks[-1] = ("none", "")
        figure.legend(
            handles=[
                Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5) for colour, marker in looks
            ],
            labels=self._names,
            loc="upper left",
            bbox_to_anchor=(x, y),
            ncols=max(1, self._columns),
            fontsize=_POINTS,
            borderaxespad=0,
            borderpad=0,
            handlelength=1,
            handletextpad=0.6,
            columnspacing=1.4,
            labelspacing=0.55,
        )
