"""Where the penultimate layer puts the samples, seen along the two directions in which they differ most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tbcli.figures.colours import LIGHT, Theme, tint
from tbcli.figures.curves import Heading
from tbcli.figures.lettering import Lettering, lettering_for
from tbcli.figures.numbers import percent
from tbcli.figures.pages import Page, require_room
from tbcli.figures.style import USUAL, Look, one_look, write_heading
from tbcli.figures.titles import counted, run_heading
from tbcli.runs import Run
from tbcli.runs.evidence import Features

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 6.2, 0.8, 0.25, 0.85, 0.8  # inches, of the axes and around them
_ROW, _HANDLE, _ENTRY, _GAP = 0.19, 0.3, 1.5, 0.2  # inches of the legend; _ENTRY is the widest name
_POINTS = 8.0
_LEAST = 1.6  # inches of the axes, where the user chose the size of the page
_NOISE = 1e-12  # of the largest variance: what rounding leaves in a direction that the features do not have
_RINGS = "Rings mark mistakes, in the colour of the predicted class."
_MARKERS = "osD^vPX<>p*hH8d"  # with the hues and their tints 240 classes differ; the first eight in both


def principal_components(features: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples' places along the directions of largest variance, and the share of it that each explains.

    Principal component analysis: the right singular vectors of the centred features. A direction points to where its
    largest weight is positive, so that the picture does not flip from run to run.

    Args:
        features: ``[n, width]``, finite, n at least 1.
        count: Directions; those that the features do not have are zero.

    Returns:
        Places ``[n, count]`` and shares ``[count]`` from 0 to 1.
    """
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    directions, variances = _decomposed(centred)
    found = min(count, len(directions))
    directions = directions[:found]
    largest = directions[np.arange(found), np.abs(directions).argmax(axis=1)]
    places, shares = np.zeros((len(features), count)), np.zeros(count)
    places[:, :found] = centred @ (directions * np.where(largest < 0, -1.0, 1.0)[:, None]).T
    total = variances.sum()
    shares[:found] = variances[:found] / total if total > 0 else 0.0
    return places, shares


def _decomposed(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit directions ``[k, width]`` and squared singular values ``[k]``, the largest first.

    They are the eigenvectors and eigenvalues of the smaller of the two matrices of products, which takes a fifth of the
    time of the decomposition itself; what that loses in precision is lost in the last directions, not in the first.
    """
    is_tall = centred.shape[0] > centred.shape[1]
    squares, vectors = np.linalg.eigh(centred.T @ centred if is_tall else centred @ centred.T)
    squares, vectors = np.maximum(squares[::-1], 0.0), vectors[:, ::-1]
    directions = vectors.T if is_tall else vectors.T @ centred / np.sqrt(np.maximum(squares, 1e-300))[:, None]
    is_noise = squares <= squares[0] * _NOISE
    return np.where(is_noise[:, None], 0.0, directions), np.where(is_noise, 0.0, squares)


def draw_features(run: Run, seen: Features, *, title: str = "", look: Look = USUAL) -> Figure:
    """Return the figure of one run.

    Args:
        run: Whose.
        seen: What its penultimate layer answered.
        title: In place of the run's name.
        look: Its colours and size.
    """
    return draw_embedding(
        seen.labels,
        seen.features,
        seen.probabilities,
        seen.class_names,
        run_heading(run, "embedding", "PCA of the penultimate layer", title=title),
        look=look,
    )


def draw_embedding(
    labels: np.ndarray,
    features: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    heading: Heading,
    *,
    look: Look = USUAL,
) -> Figure:
    """Return a scatter of the samples, one colour and shape per class; rings mark mistakes by their predicted class.

    Args:
        labels: True class numbers ``[n]``.
        features: ``[n, width]`` or more dimensions; samples with numbers that are not finite are left out, and counted.
        probabilities: ``[n, classes]``.
        class_names: A name for each class number.
        heading: The lines above; counts of samples and mistakes are added.
        look: Its colours and size.
    """
    flat = features.reshape(len(features), -1)
    finite = np.isfinite(flat).all(axis=1)
    labels, guesses = labels[finite], probabilities[finite].argmax(axis=1)
    places, shares = principal_components(flat[finite]) if finite.any() else (np.zeros((0, 2)), np.zeros(2))
    shown = np.unique(labels).tolist()
    told = _facts(labels, guesses, int((~finite).sum()))
    heading = replace(heading, results=(*heading.results, told))
    letters = lettering_for([*heading.texts, *class_names])
    names, theme = letters.class_labels(class_names), look.theme
    height = (look.size[1] - _TOP - _BOTTOM) if look.size else _WIDTH
    legend = _Legend(letters.shortened([names[number] for number in shown], _POINTS, _ENTRY), letters, height)
    if look.size:
        legend.limit(look.size[0] - _LEFT - _LEAST - _RIGHT)
    require_room(look.size, Page(_LEFT + _LEAST + legend.width + _RIGHT, _TOP + _LEAST + _BOTTOM))
    width = look.size[0] - _LEFT - legend.width - _RIGHT if look.size else _WIDTH
    page = Page(*look.size) if look.size else Page(_LEFT + width + legend.width + _RIGHT, _TOP + height + _BOTTOM)
    with one_look(letters.families, theme):
        figure = Figure(figsize=(page.width, page.height))
        write_heading(figure, page, letters, heading, theme=theme)
        axes = figure.add_axes(page.box(_LEFT, _TOP, width, height))
        _draw_points(axes, places, labels, guesses, shown, theme)
        axes.set_xlabel(f"component 1 ({percent(shares[0])} of the variance)")
        axes.set_ylabel(f"component 2 ({percent(shares[1])} of the variance)")
        legend.draw(figure, shown, *page.spot(_LEFT + width + _GAP, _TOP), theme)
        if (labels != guesses).any():
            figure.text(*page.spot(_LEFT, page.height - 0.15), _RINGS, fontsize=_POINTS, color=theme.faint)
    return figure


def _facts(labels: np.ndarray, guesses: np.ndarray, left_out: int) -> str:
    mistakes = int((labels != guesses).sum())
    told = f"{counted(len(labels), 'validation sample')}, {counted(mistakes, 'mistake')}"
    return told + (f", {left_out:,} not finite left out" if left_out else "")


def _draw_points(
    axes: Axes, places: np.ndarray, labels: np.ndarray, guesses: np.ndarray, shown: list[int], theme: Theme
) -> None:
    size = float(np.clip(12_000 / max(1, len(labels)), 6, 30))
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
