"""Replicates become one curve: the mean over runs, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tbcli.figures.smoothing import Floats

MOST_POINTS = 2000  # of a common axis, where runs were not measured at the same places


class Band(NamedTuple):
    """A mean and what lies around it ``[n]`` each.

    Args:
        x: Where.
        mean: Over the runs that have a value there.
        lower: The mean less the sample standard deviation; the mean where one run alone has a value.
        upper: The mean and the deviation.
    """

    x: Floats
    mean: Floats
    lower: Floats
    upper: Floats


def band_over(curves: Sequence[tuple[Floats, Floats]]) -> Band:
    """Return mean and deviation over runs.

    Where runs were not measured at the same places, each is interpolated between its own points, and has no value
    outside them. What is no finite number does not count.

    Args:
        curves: ``x [n]`` and ``y [n]`` of each run, x in any order.
    """
    finite = [_ordered(x, y) for x, y in curves]
    axis = np.unique(np.concatenate([x for x, _ in finite]))
    if len(axis) > MOST_POINTS and any(len(x) != len(axis) for x, _ in finite):
        axis = axis[np.unique(np.linspace(0, len(axis) - 1, MOST_POINTS).astype(np.int64))]
    table = np.array([np.interp(axis, x, y, left=np.nan, right=np.nan) for x, y in finite if len(x)])
    if not len(table):
        return Band(axis, axis, axis, axis)
    counts = np.isfinite(table).sum(axis=0)
    mean = np.nansum(table, axis=0) / counts
    spread = np.sqrt(np.nansum((table - mean) ** 2, axis=0) / np.maximum(counts - 1, 1))
    return Band(axis, mean, mean - spread, mean + spread)


def _ordered(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the finite points by x, of several at one place the last."""
    real = np.isfinite(x) & np.isfinite(y)
    x, y = x[real][::-1], y[real][::-1]
    places, first = np.unique(x, return_index=True)
    return places, y[first]
