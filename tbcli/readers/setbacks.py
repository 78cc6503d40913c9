"""How counters and clocks went on within each event file: steps that go back, times that are missing or odd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tbcli.events.columns import EventFile, Ints
from tbcli.readers.event_index import EventIndex


class FileSequence(NamedTuple):
    """What the numbers of one file tell of how it was written.

    Args:
        file: The file.
        points: Its numbers.
        first: The earliest time in it, seconds since 1970; 0 where none has one.
        last: The latest.
        untimed: Points whose time is 0 or below.
        unclocked: Points whose time is NaN or infinite.
        clock_back: By how many seconds the time went back at most between two points of a series.
        overwritten: Points whose step, or a later one, the same series reached again after its steps went back.
        tag: The first series whose steps go back, ``""`` for none.
        back_from: The step that it had reached.
        back_to: The step that it went back to.
    """

    file: EventFile
    points: int
    first: float
    last: float
    untimed: int
    unclocked: int
    clock_back: float
    overwritten: int = 0
    tag: str = ""
    back_from: int = 0
    back_to: int = 0


def sequences_of(index: EventIndex) -> list[FileSequence]:
    """Return the sequence of each file that holds numbers, after `EventIndex.arrange`."""
    (block,) = index.blocks
    pieces, (steps, times, _) = block.pieces, block.columns
    if not len(steps):
        return []
    files = np.repeat(pieces.files, pieces.counts)
    series = np.repeat(pieces.codes >> 1, pieces.counts)
    goes_on = (np.diff(files) == 0) & (np.diff(series) == 0)
    count = len(index.notes)
    finite = np.isfinite(times)
    timed = finite & (times > 0)
    first, last = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(first, files[timed], times[timed])
    np.maximum.at(last, files[timed], times[timed])
    clock_back = np.zeros(count)
    both = goes_on & timed[1:] & timed[:-1]
    np.maximum.at(clock_back, files[1:][both], times[:-1][both] - times[1:][both])
    untimed, unclocked = (np.bincount(files[which], minlength=count) for which in (finite & ~timed, ~finite))
    back = {back.file: back for back in _steps_back(steps, files, series, goes_on)}
    return [
        FileSequence(
            index.notes[number].file, points, float(first[number]) if last[number] else 0.0, float(last[number]),
            int(untimed[number]), int(unclocked[number]), float(clock_back[number]),
            *((each.overwritten, index.names[each.series][0], each.back_from, each.back_to)
              if (each := back.get(number)) else ()),
        )
        for number, points in enumerate(np.bincount(files, minlength=count).tolist()) if points
    ]  # fmt: skip


class _Back(NamedTuple):
    file: int
    overwritten: int
    series: int
    back_from: int
    back_to: int


def _steps_back(steps: Ints, files: Ints, series: Ints, goes_on: NDArray[np.bool_]) -> Iterator[_Back]:
    """Yield an entry for each file in which steps of a series go back."""
    breaks = np.flatnonzero(goes_on & (np.diff(steps) < 0)) + 1
    starts = np.concatenate(([0], np.flatnonzero(~goes_on) + 1, [len(steps)]))
    found: dict[int, _Back] = {}
    for place in np.unique(np.searchsorted(starts, breaks, side="right") - 1).tolist():
        mine = steps[starts[place] : starts[place + 1]]
        lowest = np.minimum.accumulate(mine[::-1])[::-1]
        overwritten = int((mine[:-1] >= lowest[1:]).sum())
        row = int(breaks[np.searchsorted(breaks, starts[place])])
        file = int(files[row])
        known = found.get(file) or _Back(file, 0, int(series[row]), int(steps[row - 1]), int(steps[row]))
        found[file] = known._replace(overwritten=known.overwritten + overwritten)
    yield from found.values()
