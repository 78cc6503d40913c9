"""Numbers of many files, kept as they are read: stretches of one name in one file, in the order of writing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tbcli.events.batch import VALUES_A_RECORD, Points
from tbcli.events.columns import Columns, Ints

_RADIX = 0xFFFF  # up to here a stable sort is one by radix
_MOST_BITS = 63


class Pieces(NamedTuple):
    """Stretches of a block of columns ``[m]`` each: number of the file, `Catalog.number_code`, first row, rows."""

    files: Ints
    codes: Ints
    starts: Ints
    counts: Ints

    def only(self, which: NDArray[Any]) -> Pieces:
        """Return those at these places."""
        return Pieces(*(column[which] for column in self))


class Block(NamedTuple):
    """Columns, and which rows of them belong to what."""

    columns: Columns
    pieces: Pieces

    def stretches(self, *, newest_first: bool = False) -> Iterator[tuple[int, int, Columns]]:
        """Yield file, code and numbers of each piece."""
        pieces = self.pieces
        order = np.lexsort((pieces.starts, -pieces.files)) if newest_first else np.arange(len(pieces.files))
        table = np.stack(pieces)[:, order].T.tolist()
        for file, code, start, count in table:
            yield file, code, self.columns.part(start, count)


def in_pieces(points: Points, files: NDArray[np.int32]) -> Block:
    """Return the numbers of a batch ordered by file and name, and within one name as they were written.

    Args:
        points: The numbers.
        files: The number of the file of each record of the batch.
    """
    names = (int(points.codes.max(initial=0)) >> 1) + 1
    series = files[points.order // VALUES_A_RECORD] * np.int64(names) + (points.codes >> 1)
    columns, codes = Columns(points.steps, points.wall_times, points.values), points.codes
    ordered = len(series) < 2 or bool((np.diff(series) >= 0).all() and (np.diff(points.order) > 0).all())
    if not ordered:
        rank = _ranked(series - series.min(), points.order)
        columns, series, codes = columns.chosen(rank), series[rank], codes[rank]
    breaks = np.flatnonzero((series[1:] != series[:-1]) | (codes[1:] != codes[:-1])) + 1
    starts = np.concatenate(([0], breaks)) if len(series) else breaks
    counts = np.diff(starts, append=len(series))
    return Block(columns, Pieces(series[starts] // names, codes[starts], starts, counts))


def _ranked(series: Ints, order: Ints) -> Ints:
    """Return the places of the numbers, ordered by series and then by order."""
    if int(series.max()) > _RADIX or (order & (VALUES_A_RECORD - 1)).any():
        bits = int(order.max()).bit_length()
        if int(series.max()).bit_length() + bits > _MOST_BITS:
            return np.lexsort((order, series))
        return np.argsort(series << bits | order, kind="stable")
    records = order // VALUES_A_RECORD  # one number to a record at most: each has its seat, and 16 bits sort by radix
    seats = np.full(int(records.max()) + 1, -1, np.int64)
    seats[records] = np.arange(len(records))
    in_order = seats[seats >= 0]
    return in_order[np.argsort(series[in_order].astype(np.uint16), kind="stable")]


def all_pieces(blocks: Sequence[Block]) -> tuple[Pieces, Ints]:
    """Return the pieces of all blocks, and the number of the block of each."""
    owners = np.repeat(np.arange(len(blocks)), [len(block.pieces.files) for block in blocks])
    if not blocks:
        none = np.empty(0, np.int64)
        return Pieces(none, none, none, none), owners
    return Pieces(*(np.concatenate(columns) for columns in zip(*(b.pieces for b in blocks), strict=True))), owners


def arranged(blocks: Sequence[Block], order: Ints) -> Block:
    """Return one block that has its pieces in this order, and its rows in that of the pieces.

    Rows of one block that lie in that order already are not copied.

    Args:
        blocks: They have the pieces.
        order: Which of `all_pieces` to take.
    """
    pieces, owners = all_pieces(blocks)
    pieces, owners = pieces.only(order), owners[order]
    if not len(owners):
        return Block(Columns.joined([]), pieces)
    ends = pieces.starts + pieces.counts
    breaks = np.flatnonzero((pieces.starts[1:] != ends[:-1]) | (owners[1:] != owners[:-1])) + 1
    heads, tails = np.concatenate(([0], breaks)), np.concatenate((breaks - 1, [len(ends) - 1]))
    stretches = np.stack((owners[heads], pieces.starts[heads], ends[tails] - pieces.starts[heads])).T.tolist()
    parts = [blocks[owner].columns.part(start, count) for owner, start, count in stretches]
    return Block(Columns.joined(parts), pieces._replace(starts=np.cumsum(pieces.counts) - pieces.counts))
