"""Templates of records that differ only in time, step, numbers and names: byte positions of each part.

A table of such records is ``[n, width]`` bytes, each row the data of a record, its checksum, and whatever follows it in
the file up to a multiple of 8 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tbcli.events.crc import Bytes, Words, checksum, tables
from tbcli.events.fields import Unusual
from tbcli.events.framing import FOOTER
from tbcli.events.wire import WireEvent, WireValue, read_event

MOST_BYTES = 2048  # longer records are looked at one by one
_MOST_VARYING = 1024  # bytes whose checksum terms are worth a table look-up each
_TILE = 128  # rows that are compared at once
Quads = NDArray[np.uint64]


def row_width(length: int) -> int:
    """Return the bytes of a row for data of this length."""
    return -(-(length + FOOTER) // 8) * 8


def needs_plain(value: WireValue) -> bool:
    """Say whether the value may be a number that stands at no fixed place."""
    return value.is_tensor and value.number is None and value.size < MOST_BYTES


class Template(NamedTuple):
    """Records of one layout with the same names.

    Args:
        is_usable: Whether its numbers are those of the layout; if not, such records are taken one by one.
        constant: The part of the checksum that their equal bytes make.
        numbers: The code of each number of the layout (`Catalog.number_code`).
        others: Code and bytes of each value that is no number.
    """

    is_usable: bool
    constant: int
    numbers: tuple[int, ...]
    others: tuple[tuple[int, int], ...]


class Layout:
    """Where the parts of a record are, learnt from one of them.

    Args:
        data: The record that is the example.

    Raises:
        Unusual: It has parts at no fixed place: only one by one such records can be read.
    """

    def __init__(self, data: bytes) -> None:
        event = read_event(data, len(data))
        if any(needs_plain(value) for value in event.values):
            raise Unusual
        self.length = len(data)
        self.width = row_width(self.length)
        self.event: WireEvent = event
        self.numbers = [value.number for value in event.values if value.number is not None]
        if self.numbers and any(value.payload for value in event.values):
            raise Unusual  # what stands beside a number must be sound too
        texts = [part for value in event.values for part in value.texts]
        self.compared = _mask(self.width, [(0, self.length)])
        varying = [part for value in event.values for part in value.payload]
        varying += [(place, place + np.dtype(kind).itemsize) for place, kind in self.numbers]
        varying += [(event.wall, event.wall + 8)] if event.wall is not None else []
        mask = self.compared.view(np.uint8)
        for start, end in [*texts, *varying]:
            mask[start:end] = 0
        if event.step is not None:
            mask[slice(*event.step)] = 0x80  # the bit that says whether one more byte follows
            varying.append(event.step)
        self.texts = _mask(self.width, texts)
        self.varying = [place for start, end in varying for place in range(start, end)]
        if self.numbers and len(self.varying) > _MOST_VARYING:
            raise Unusual
        example = np.zeros(self.width, np.uint8)
        example[: self.length] = np.frombuffer(data, np.uint8)
        self._example: Quads = example.view(np.uint64)
        self._tiles = np.tile(self._example, _TILE), np.tile(self.compared, _TILE)
        self.key = (self._example & self.compared).tobytes()

    def is_of(self, row: Quads) -> bool:
        """Say whether a record ``[width / 8]`` has this layout."""
        return (row & self.compared).tobytes() == self.key

    def fitting(self, rows: Quads) -> NDArray[np.bool_] | None:
        """Return which rows ``[n, width / 8]`` have the same bytes wherever they must, or None for all of them."""
        whole = len(rows) // _TILE * _TILE
        example, compared = self._tiles
        differing = np.empty_like(rows)
        flat = differing[:whole].reshape(-1, len(example))
        np.bitwise_xor(rows[:whole].reshape(-1, len(example)), example, out=flat)
        flat &= compared
        differing[whole:] = (rows[whole:] ^ self._example) & self.compared
        if not differing.any():
            return None
        return np.asarray(np.bitwise_or.reduce(differing, axis=1) == 0)

    def name_hashes(self, rows: Quads) -> Quads:
        """Return a number for the names in each row ``[n]``.

        Names that differ within one group of eight bytes never share a number, others do by a chance of 2**-64; and a
        row with other names than its template then fails its checksum, which is made from the template's.
        """
        hashes = np.zeros(len(rows), np.uint64)
        for word in np.flatnonzero(self.texts):
            hashes += (rows[:, word] & self.texts[word]) * _multiplier(int(word))
        return hashes

    def constant(self, data: bytes) -> int:
        """Return what the bytes that do not vary add to the checksum; those that vary count as zeros."""
        content = np.frombuffer(data, np.uint8).copy()
        content[self.varying] = 0
        return checksum(content.data)

    def checksums(self, rows: Bytes, constants: Words | int) -> Words:
        """Return the checksums of rows of which the constant parts are known, not masked."""
        terms = tables(self.length)
        result = np.full(len(rows), constants, np.uint32) if isinstance(constants, int) else constants.copy()
        for place in self.varying:
            result ^= terms[self.length - 1 - place].take(rows[:, place])
        return result

    def steps(self, rows: Bytes) -> NDArray[np.int64]:
        """Return the step in each row ``[n]``."""
        result = np.zeros(len(rows), np.uint64)
        if self.event.step is not None:
            start, end = self.event.step
            for place in range(start, end):
                result |= (rows[:, place] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * (place - start))
        return result.view(np.int64)

    def wall_times(self, rows: Bytes) -> NDArray[np.float64]:
        """Return the seconds since 1970 in each row ``[n]``."""
        if self.event.wall is None:
            return np.zeros(len(rows))
        return column(rows, self.event.wall, "<f8")


def column(rows: Bytes, place: int, kind: str) -> NDArray[np.float64]:
    """Return the numbers of a type that stand at a place of each row, as float64 ``[n]``."""
    view: NDArray[np.generic] = np.ndarray((len(rows),), kind, rows.data, place, (rows.shape[1],))
    with np.errstate(invalid="ignore"):  # a signalling NaN is one of the numbers that a file may hold
        return view.astype(np.float64)


def inexact(rows: Bytes, place: int, kind: str) -> NDArray[np.intp]:
    """Return which rows hold a whole number, at a place, that a float64 cannot hold."""
    view: NDArray[np.integer[Any]] = np.ndarray((len(rows),), kind, rows.data, place, (rows.shape[1],))
    largest = 1 << 53
    far = np.flatnonzero((view > largest) | ((view < -largest) if view.dtype.kind == "i" else False))
    return np.array([row for row in far.tolist() if int(float(view[row].item())) != view[row].item()], np.intp)


def _mask(width: int, parts: Iterable[Sequence[int]]) -> Quads:
    mask = np.zeros(width, np.uint8)
    for start, end in parts:
        mask[start:end] = 0xFF
    return mask.view(np.uint64)


def _multiplier(word: int) -> np.uint64:
    """Return an odd number for a place in the row: splitmix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    state = (word + 1) * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFF_FFFF_FFFF_FFFF
    state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFF_FFFF_FFFF_FFFF
    return np.uint64((state ^ state >> 31) | 1)
