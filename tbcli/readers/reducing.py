"""Long series in little memory: the smallest and the largest of each stretch, so that every extreme stays visible."""

from __future__ import annotations

import copy
import math

import numpy as np

from tbcli.events.columns import Columns, Ints
from tbcli.readers.event_index import EventIndex
from tbcli.readers.pieces import Block, Pieces
from tbcli.readers.writers import Span, concurrent_files, left_out

_MOST_ZEROS = 64  # points without a time, that a series may begin with
_NOTHING = Columns.joined([])


class Reducer:
    """Takes numbers, those of later files of a run first, and keeps of each series and file its extremes.

    Args:
        index: Says which run a file belongs to, and which tag a code.
        buckets: See `Extremes`.
        keep_all: Whether points stay that another file of the run repeats; see `tbcli.readers.events`.
    """

    def __init__(self, index: EventIndex, buckets: int, *, keep_all: bool) -> None:
        self.superseded = 0
        self._index = index
        self._buckets = buckets
        self._keep_all = keep_all
        self._series: dict[tuple[int, int], _OfFile] = {}
        self._begins: dict[tuple[str, str], dict[int, int]] = {}  # {(run, tag): {file: its first step}}

    def take(self, block: Block) -> None:
        """Take the numbers of a batch."""
        for file, code, points in block.stretches(newest_first=True):
            series = self._series.get((file, code))
            if series is None:
                series = self._series[file, code] = _OfFile(file, points, self._buckets)
            begins = self._begins.setdefault(self._name(file, code), {})
            begins.setdefault(file, int(points.steps[0]))
            later = [begin for other, begin in begins.items() if other > file] if len(begins) > 1 else ()
            series.add(points, min(later, default=None))

    def block(self) -> Block:
        """Return what is kept, and note on the index which files were written at the same time."""
        keys = sorted(self._series)
        self._index.writers = self._writers()
        kept = [self._series[key].all_points() if self._keep_all else self._kept(*key) for key in keys]
        counts = np.array([len(part.steps) for part in kept], np.int64)
        files, codes = np.array(keys, np.int64).reshape(-1, 2).T
        pieces = Pieces(files, codes, np.cumsum(counts) - counts, counts)
        return Block(Columns.joined(kept), pieces.only(counts > 0))

    def _name(self, file: int, code: int) -> tuple[str, str]:
        return self._index.notes[file].file.run, self._index.names[code >> 1][0]

    def _writers(self) -> list[tuple[int, ...]]:
        several = {name for name, begins in self._begins.items() if len(begins) > 1}
        if not several:
            return []
        spans: dict[tuple[str, str], list[Span]] = {}
        points: dict[int, int] = {}
        for (file, code), series in self._series.items():
            name = self._name(file, code)
            if name in several:
                spans.setdefault(name, []).append(series.span)
            points[file] = points.get(file, 0) + series.count
        return concurrent_files(spans.values(), points)

    def _kept(self, file: int, code: int) -> Columns:
        """Return the points of a series in a file that no other file of the run takes the place of."""
        series = self._series[file, code]
        begins = self._begins[self._name(file, code)] if self._index.writers else {}
        others = left_out(self._index.writers, begins)
        if file in others:
            return _NOTHING
        if not others:
            self.superseded += series.superseded
            return series.points()
        later = [begin for other, begin in begins.items() if other > file and other not in others]
        points = series.all_points()
        kept = points.steps < min(later, default=math.inf)
        self.superseded += len(kept) - int(kept.sum())
        return points.chosen(kept)


class _OfFile:
    """One series in one file, in whole and without what later files write again, as long as these are the same."""

    __slots__ = ("_file", "_first", "_kept", "_last", "_whole", "count", "superseded")

    def __init__(self, file: int, points: Columns, buckets: int) -> None:
        self._file = file
        self._first = points.wall_times[:_MOST_ZEROS].copy()
        self._last = 0.0
        self.count = self.superseded = 0
        self._whole = self._kept = Extremes(buckets)

    def add(self, points: Columns, cut: int | None) -> None:
        """Take the next points; those from a step on are written again by a later file."""
        self._last = float(points.wall_times[-1])
        self.count += len(points.steps)
        if cut is not None and int(points.steps.max()) >= cut:
            if self._kept is self._whole:
                self._kept = copy.deepcopy(self._whole)
            kept = points.steps < cut
            self.superseded += len(kept) - int(kept.sum())
            self._kept.add(points.chosen(kept))
        elif self._kept is not self._whole:
            self._kept.add(points)
        self._whole.add(points)

    @property
    def span(self) -> Span:
        """When the file wrote the series."""
        return Span.of(self._file, self._first)._replace(last=self._last)

    def all_points(self) -> Columns:
        """Return the extremes of all points."""
        return self._whole.points()

    def points(self) -> Columns:
        """Return the extremes of the points that no later file writes again."""
        return self._kept.points()


def reduced(points: Columns, buckets: int) -> Columns:
    """Return the extremes of a series that is there as a whole; see `Extremes`."""
    extremes = Extremes(buckets)
    extremes.add(points)
    return extremes.points()


class Extremes:
    """One series, reduced while it passes by.

    Stretches hold equally many points, a power of two, the last one fewer. Of each stay the smallest, the largest and
    the first that is not a number; of the series the first and the last. Up to ``buckets`` points stay all.

    Args:
        buckets: The most stretches that are kept, an even number.
    """

    def __init__(self, buckets: int) -> None:
        self._most = max(2, buckets + buckets % 2)
        self._width = 1
        self._seen = 0
        self._stretches = 0
        self._few: list[Columns] = []  # all points, as long as there are no more than stretches
        self._kept: list[tuple[Columns, Ints]] = []  # points [stretches, 3] and their numbers, -1 for none
        self._rest = _NOTHING  # points that do not fill a stretch yet
        self._ends: list[tuple[int, Columns]] = []

    def add(self, points: Columns) -> None:
        """Take the next points of the series."""
        count = len(points.steps)
        if not count:
            return
        if not self._ends:
            if self._seen + count <= self._most:
                self._few.append(points.each(np.copy))
                self._seen += count
                return
            points, self._few, self._seen = Columns.joined([*self._few, points]), [], 0
            count = len(points.steps)
        self._ends = [
            self._ends[0] if self._ends else (0, points.part(0, 1).each(np.copy)),
            (self._seen + count - 1, points.part(count - 1, 1).each(np.copy)),
        ]
        rest = Columns.joined([self._rest, points]) if len(self._rest.steps) else points
        self._seen += count
        while full := min(len(rest.steps) // self._width, self._most - self._stretches):
            used = full * self._width
            numbers = self._seen - len(rest.steps) + np.arange(used)
            self._keep(rest.part(0, used), numbers, self._width)
            rest = rest.part(used, len(rest.steps) - used)
            if self._stretches == self._most:
                self._widen()
        self._rest = rest.each(np.copy)

    def points(self) -> Columns:
        """Return what is kept, in the order of writing."""
        if not self._ends:
            return Columns.joined(self._few)
        kept = list(self._kept)
        left = len(self._rest.steps)
        if left:
            kept.append(_extremes(self._rest, self._seen - left + np.arange(left), left))
        parts = [columns.each(np.ravel) for columns, _ in kept]
        parts += [point for _, point in self._ends]
        numbers = [number.reshape(-1) for _, number in kept] + [np.array([place]) for place, _ in self._ends]
        order, first = np.unique(np.concatenate(numbers), return_index=True)
        return Columns.joined(parts).chosen(first[order >= 0])

    def _keep(self, points: Columns, numbers: Ints, width: int) -> None:
        self._kept.append(_extremes(points, numbers, width))
        self._stretches += len(numbers) // width

    def _widen(self) -> None:
        """Make one stretch of each two."""
        points = Columns.joined([columns.each(np.ravel) for columns, _ in self._kept])
        numbers = np.concatenate([number.reshape(-1) for _, number in self._kept])
        self._kept, self._stretches = [], 0
        self._width *= 2
        self._keep(points, numbers, 6)


def _extremes(points: Columns, numbers: Ints, width: int) -> tuple[Columns, Ints]:
    """Return of each so many points the smallest, the largest and the first NaN ``[n / width, 3]``, with their numbers.

    Points of the number -1 do not count, and stand where there is none.
    """
    values, numbers = points.values.reshape(-1, width), numbers.reshape(-1, width)
    unknown = np.isnan(values)
    chosen = np.empty((len(values), 3), np.int64)
    chosen[:, 0] = np.where(unknown, np.inf, values).argmin(axis=1)
    chosen[:, 1] = np.where(unknown, -np.inf, values).argmax(axis=1)
    real = ~unknown & (numbers >= 0)
    for extreme in (0, 1):  # an infinity may stand beside a NaN that was taken for one
        misled = ~np.take_along_axis(real, chosen[:, extreme, None], axis=1)[:, 0]
        chosen[misled, extreme] = real[misled].argmax(axis=1)
    unknown &= numbers >= 0
    chosen[:, 2] = unknown.argmax(axis=1)
    kept = points.each(lambda column: np.take_along_axis(column.reshape(-1, width), chosen, axis=1))
    order = np.take_along_axis(numbers, chosen, axis=1)
    order[~real.any(axis=1), :2] = -1
    order[~unknown.any(axis=1), 2] = -1
    kept.values[order < 0] = np.nan
    return kept, order
