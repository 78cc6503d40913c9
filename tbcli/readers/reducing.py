"""All series of a log directory, reduced while their files are read."""

from __future__ import annotations

import numpy as np

from tbcli.readers.extremes import Extremes
from tbcli.readers.pieces import Block, Columns, Pieces
from tbcli.readers.shelf import Shelf


class Reducer:
    """Takes numbers, those of later files of a run first, and keeps of each series and file its extremes.

    Args:
        shelf: Says which run a file belongs to, and which tag a code.
        buckets: See `Extremes`.
        keep_all: Whether points stay that a later file of the run has written again; see `tbcli.readers.events`.
    """

    def __init__(self, shelf: Shelf, buckets: int, *, keep_all: bool) -> None:
        self.superseded = 0
        self._shelf = shelf
        self._buckets = buckets
        self._keep_all = keep_all
        self._series: dict[tuple[int, int], Extremes] = {}
        self._begins: dict[tuple[str, str], dict[int, int]] = {}  # {(run, tag): {file: its first step}}

    def take(self, block: Block) -> None:
        """Take the numbers of a batch."""
        for file, code, points in block.stretches(newest_first=True):
            kept = points if self._keep_all else self._not_replaced(file, code, points)
            self._series.setdefault((file, code), Extremes(self._buckets)).add(kept)

    def block(self) -> Block:
        """Return what is kept."""
        keys = sorted(self._series)
        parts = [self._series[key].points() for key in keys]
        counts = np.array([len(part.steps) for part in parts], np.int64)
        files, codes = np.array(keys, np.int64).reshape(-1, 2).T
        pieces = Pieces(files, codes, np.cumsum(counts) - counts, counts)
        return Block(Columns.joined(parts), pieces.only(counts > 0))

    def _not_replaced(self, file: int, code: int, points: Columns) -> Columns:
        name = self._shelf.notes[file].file.run, self._shelf.names[code >> 1][0]
        begins = self._begins.setdefault(name, {})
        begins.setdefault(file, int(points.steps[0]))
        later = [begin for other, begin in begins.items() if other > file]
        if not later or int(points.steps.max()) < min(later):
            return points
        kept = points.steps < min(later)
        self.superseded += len(kept) - int(kept.sum())
        return points.chosen(kept)
