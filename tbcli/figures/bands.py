"""Several runs become one curve: their mean as far as all of them reach, and how far they lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tbcli.figures.smoothing import Floats

MOST_POINTS = 2000  # of a common axis, where runs were not measured at the same places


class Band(NamedTuple):
    """A mean and what lies around it ``[n]`` each, everywhere over the same runs.

    Args:
        x: Where.
        mean: Over all runs.
        lower: The mean less the sample standard deviation.
        upper: The mean and the deviation.
        shortest: Where the first of the runs ends; NaN if none has a value.
        longest: Where the last one ends.
        table: What the mean is of ``[runs, n]``.
    """

    x: Floats
    mean: Floats
    lower: Floats
    upper: Floats
    shortest: float
    longest: float
    table: Floats

    def exact_mean(self, position: int) -> float:
        """Return the mean at a place as all commands compute it, to the last digit."""
        values: list[float] = self.table[:, position].tolist()
        return statistics.mean(values)


def band_over(curves: Sequence[tuple[Floats, Floats]]) -> Band:
    """Return mean and deviation where every run has values: a sample that shrinks would make the mean jump.

    Where runs were not measured at the same places, each is interpolated between its own points. What is not a finite
    number does not count.

    Args:
        curves: ``x [n]`` and ``y [n]`` of each run, x in any order.
    """
    ordered = [_ordered(x, y) for x, y in curves]
    if not all(len(x) for x, _ in ordered):
        nothing = np.empty(0)
        longest = max((float(x[-1]) for x, _ in ordered if len(x)), default=np.nan)
        return Band(nothing, nothing, nothing, nothing, np.nan, longest, np.empty((0, 0)))
    axis = np.unique(np.concatenate([x for x, _ in ordered]))
    if len(axis) > MOST_POINTS and any(len(x) != len(axis) for x, _ in ordered):
        axis = axis[np.unique(np.linspace(0, len(axis) - 1, MOST_POINTS).astype(np.int64))]
    axis = axis[(axis >= max(x[0] for x, _ in ordered)) & (axis <= min(x[-1] for x, _ in ordered))]
    table = np.array([np.interp(axis, x, y) for x, y in ordered])
    mean = table.mean(axis=0)
    spread = table.std(axis=0, ddof=1) if len(table) > 1 else np.zeros_like(mean)
    ends = [float(x[-1]) for x, _ in ordered]
    return Band(axis, mean, mean - spread, mean + spread, min(ends), max(ends), table)


def _ordered(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the finite points by x, of several at one place the last."""
    real = np.isfinite(x) & np.isfinite(y)
    x, y = x[real][::-1], y[real][::-1]
    places, first = np.unique(x, return_index=True)
    return places, y[first]
