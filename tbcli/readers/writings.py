"""Tables that were begun again: which rows are of which writing, and which points a later writing has written again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tbcli.events.columns import Columns, Floats, Ints


class Progress:
    """How the counter of a table goes on from row to row."""

    def __init__(self) -> None:
        self.begins_anew = False
        self.writing = 0
        self._last = -math.inf, math.nan

    def take(self, steps: Ints, epochs: Floats) -> Ints:
        """Return the number of the writing that each of the next rows is of: another where the counter goes back.

        Where it does in a later epoch, it counts the steps of one epoch.
        """
        if not len(steps):
            return steps
        back = np.diff(steps, prepend=self._last[0]) < 0
        later = np.diff(epochs, prepend=self._last[1]) > 0
        self.begins_anew |= bool((back & later).any())
        writings: Ints = self.writing + np.cumsum(back & ~later)
        self.writing, self._last = int(writings[-1]), (float(steps[-1]), float(epochs[-1]))
        return writings


def goes_back(points: Columns) -> bool:
    """Say whether the steps of a series do."""
    return bool((np.diff(points.steps) < 0).any())


def with_repeats(points: Columns, writings: Ints) -> Ints:
    """Return the number of the writing of each point, where an epoch that alone comes twice begins one, too."""
    again = np.diff(points.steps, prepend=points.steps[0] - 1) == 0
    is_rare = 2 * again.sum() < len(np.unique(points.steps))
    return writings + np.cumsum(again) if is_rare else writings


def not_written_again(points: Columns, writings: Ints) -> NDArray[np.bool_]:
    """Return which points no later writing has written again, from its first step on."""
    kept = np.ones(len(writings), bool)
    starts = np.flatnonzero(np.diff(writings, prepend=-1))
    for start in starts[1:].tolist():
        kept[:start] &= points.steps[:start] < points.steps[start]
    return kept


def begun_again(points: Columns, writings: Ints) -> list[int]:
    """Return the steps to which a later writing goes back."""
    steps, starts = points.steps, np.flatnonzero(np.diff(writings)) + 1
    found: list[int] = steps[starts][steps[starts] <= steps[starts - 1]].tolist()
    return found
