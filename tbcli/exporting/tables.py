"""Series as rows, a bounded number at a time: one per point (tidy), or one per step with a column per metric (wide)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np

from tbcli.events.columns import Columns, Floats, Ints
from tbcli.readers.metrics import NamedSeries

TIDY = ("run", "metric", "step", "wall_time", "value")
KEYS = TIDY[:1] + TIDY[2:3]  # what names a row of the wide form
_ROWS = 1 << 15


class TidyRows(NamedTuple):
    """Rows of one series: its run, its name, and steps, wall times and values ``[n]``."""

    run: str
    metric: str
    columns: Columns


class Cells(NamedTuple):
    """The cells of one column: which of the rows have one ``[m]``, and their values ``[m]``."""

    rows: Ints
    values: Floats


class WideRows(NamedTuple):
    """Rows of one run: its name, the steps ``[n]``, and the cells of each metric that it has."""

    run: str
    steps: Ints
    cells: dict[str, Cells]


def tidy_rows(series: Sequence[NamedSeries]) -> Iterator[TidyRows]:
    """Yield all points, series by series."""
    for metric in series:
        points = Columns(metric.series.step, metric.series.wall_time, metric.series.value)
        for start in range(0, len(points.steps), _ROWS):
            yield TidyRows(metric.run, metric.name, points.part(start, _ROWS))


def column_names(series: Sequence[NamedSeries]) -> tuple[str, ...]:
    """Return the metrics, each once: the columns of the wide form after `KEYS`."""
    return tuple(dict.fromkeys(metric.name for metric in series))


def wide_rows(series: Sequence[NamedSeries]) -> Iterator[WideRows]:
    """Yield the points run by run, those of one step in one row, by step.

    Where a counter of steps was reset and a metric has a step twice, the step has two rows.
    """
    for run, members in groupby(series, key=lambda metric: metric.run):
        yield from _rows_of_run(run, list(members))


@dataclass(frozen=True, slots=True)
class _Column:
    """A metric's values, ordered by the row they belong to."""

    name: str
    rows: Ints
    values: Floats

    def part(self, start: int, end: int) -> Cells:
        first, last = np.searchsorted(self.rows, [start, end]).tolist()
        return Cells(self.rows[first:last] - start, self.values[first:last])


def _rows_of_run(run: str, members: Sequence[NamedSeries]) -> Iterator[WideRows]:
    steps, columns = _laid_out(members)
    for start in range(0, len(steps), _ROWS):
        end = min(start + _ROWS, len(steps))
        cells = {column.name: column.part(start, end) for column in columns}
        yield WideRows(run, steps[start:end], cells)


def _laid_out(members: Sequence[NamedSeries]) -> tuple[Ints, list[_Column]]:
    """Return the step of each row, and the columns."""
    counts = [len(metric.series.step) for metric in members]
    every = np.concatenate([metric.series.step for metric in members])
    again = np.concatenate([_repetitions(metric.series.step) for metric in members])
    if again.any():
        keys, rows = np.unique(np.stack((every, again), axis=1), axis=0, return_inverse=True)
        steps = keys[:, 0]
    else:
        steps, rows = np.unique(every, return_inverse=True)
    columns = []
    for metric, own in zip(members, np.split(rows.reshape(-1), np.cumsum(counts)[:-1]), strict=True):
        order = np.argsort(own, kind="stable")
        columns.append(_Column(metric.name, own[order], metric.series.value[order]))
    return steps, columns


def _repetitions(steps: Ints) -> Ints:
    """Return how often each step has come before ``[n]``."""
    if (np.diff(steps) > 0).all():
        return np.zeros(len(steps), np.int64)
    order = np.argsort(steps, kind="stable")
    ordered = steps[order]
    places = np.arange(len(steps))
    starts = np.maximum.accumulate(np.where(np.diff(ordered, prepend=ordered[0] - 1) != 0, places, 0))
    result = np.empty(len(steps), np.int64)
    result[order] = places - starts
    return result
