"""Find where the records of an event file begin and end; each length is verified by its checksum.

A file is a chain of records: length [8 bytes], masked CRC32C of the length [4], data, masked CRC32C of the data [4],
all little endian (TensorFlow's ``core/lib/io/record_writer.h``). Nothing but the lengths tells where the next begins.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tbcli.events.crc import masked_of_lengths

HEADER, FOOTER = 12, 4  # bytes around the data of a record
AROUND = HEADER + FOOTER
Offsets = NDArray[np.int64]
_NONE: Offsets = np.empty(0, np.int64)

_length_at = struct.Struct("<Q").unpack_from
_BURST = 64  # records that are walked singly before a rhythm is looked for
_LONGEST_BURST = 4096
_LONGEST_RHYTHM = 32  # records
_LEAST_BEATS = 8  # fewer are walked as fast singly


class Frames(NamedTuple):
    """Records in a buffer, one behind the other.

    Args:
        offsets: Where the data of each begin ``[n]``.
        lengths: Bytes of the data of each ``[n]``.
        end: Where the chain ends: the end of the buffer, or a record that is not whole, or one whose length is wrong.
    """

    offsets: Offsets
    lengths: Offsets
    end: int


class Alike(NamedTuple):
    """Where the records of a file begin and end, from the beginning of the first one on, and their lengths."""

    begins: Offsets
    ends: Offsets
    lengths: NDArray[np.uint64]

    @classmethod
    def of(cls, headers: Offsets, end: int) -> Alike:
        """Return what to compare another chain with.

        Args:
            headers: Where the records begin.
            end: Where the last one ends.
        """
        ends = np.append(headers[1:], end)
        return cls(headers - headers[0], ends - headers[0], (ends - headers - AROUND).astype(np.uint64))


def strided(buffer: bytearray, kind: DTypeLike, start: int, count: int, stride: int) -> NDArray[np.generic]:
    """Return a view ``[count]`` of items of a kind that begin every so many bytes; they may overlap."""
    return np.ndarray((count,), kind, buffer, start, (stride,))


def frame(buffer: bytearray, start: int, stop: int) -> Frames:
    """Return the whole records from ``start`` on, up to the first whose length fails its checksum."""
    headers, end = chain(buffer, start, stop)
    return proved(buffer, headers, end)


def chain(buffer: bytearray, start: int, stop: int, like: Alike | None = None) -> tuple[Offsets, int]:
    """Return where whole records begin as far as the lengths tell, which nothing has proved yet, and where they end.

    Runs of one sweep write the same records, so first the lengths are compared with those of another file. Training
    loops write the same few tags again and again, so lengths have a rhythm: a burst of records is walked one by one,
    and while the lengths then repeat, they too are only compared.

    Args:
        buffer: Holds the records.
        start: Where the first begins.
        stop: Where the bytes end.
        like: What the records of a similar file were.
    """
    parts: list[Offsets] = []
    at, burst = start, _BURST
    if like is not None:
        known, at = _compare(buffer, start, stop, like)
        parts.append(known)
    while at < stop:
        walked, at = _walk(buffer, at, stop, burst)
        if not walked:
            break
        parts.append(np.array(walked, np.int64))
        rhythm = _rhythm(buffer, walked)
        followed, at = _follow(buffer, at, stop, rhythm) if rhythm else (_NONE, at)
        parts.append(followed)
        burst = _BURST if len(followed) else min(2 * burst, _LONGEST_BURST)
    return (np.concatenate(parts) if parts else _NONE), at


def proved(buffer: bytearray, headers: Offsets, end: int) -> Frames:
    """Return the records up to the first whose length fails its checksum.

    Args:
        buffer: Holds the records.
        headers: Where they begin.
        end: Where the last of them ends.
    """
    if not len(headers):
        return Frames(headers, headers, end)
    lengths = strided(buffer, "<u8", 0, len(buffer) - 7, 1)[headers].astype(np.uint64)
    proofs = strided(buffer, "<u4", 8, len(buffer) - 11, 1)[headers]
    wrong = np.flatnonzero(masked_of_lengths(lengths) != proofs)
    sound = int(wrong[0]) if len(wrong) else len(headers)
    end = end if sound == len(headers) else int(headers[sound])
    return Frames(headers[:sound] + HEADER, lengths[:sound].astype(np.int64), end)


def length_in(header: bytes | bytearray | memoryview) -> int | None:
    """Return the length that a header of 12 bytes tells, or None where its checksum says otherwise."""
    length, proof = struct.unpack_from("<QI", header)
    return int(length) if int(masked_of_lengths(np.array([length], np.uint64))[0]) == proof else None


def find_headers(buffer: bytearray, start: int, stop: int) -> list[int]:
    """Return where a header of 12 bytes stands whose length, below 4 GiB, agrees with its checksum.

    One position in four thousand million does so by chance: whoever resumes there must look at what follows.
    """
    count = stop - start - HEADER + 1
    if count <= 0:
        return []
    places = np.flatnonzero(strided(buffer, "<u4", start + 4, count, 1) == 0)
    lengths = strided(buffer, "<u8", start, count, 1)[places].astype(np.uint64)
    proofs = strided(buffer, "<u4", start + 8, count, 1)[places]
    return [start + int(place) for place in places[masked_of_lengths(lengths) == proofs]]


def _walk(buffer: bytearray, at: int, stop: int, most: int) -> tuple[list[int], int]:
    """Return where up to so many whole records begin, and where the next would."""
    found: list[int] = []
    length_at, last = _length_at, stop - AROUND
    for _ in range(most):
        if at > last:
            break
        end = at + AROUND + length_at(buffer, at)[0]
        if end > stop:
            break
        found.append(at)
        at = end
    return found, at


def _compare(buffer: bytearray, start: int, stop: int, like: Alike) -> tuple[Offsets, int]:
    """Return where records begin as long as their lengths are those of another chain, and where the next would."""
    count = int(like.ends.searchsorted(stop - start, side="right"))
    if not count:
        return _NONE, start
    headers = like.begins[:count] + start
    differs = strided(buffer, "<u8", 0, len(buffer) - 7, 1)[headers] != like.lengths[:count]
    same = int(differs.argmax()) if differs.any() else count
    return headers[:same], start + int(like.ends[same - 1]) if same else start


def _rhythm(buffer: bytearray, headers: Sequence[int]) -> list[int]:
    """Return the lengths that repeat at the end of what was walked, or nothing."""
    lengths = [_length_at(buffer, at)[0] for at in headers[-2 * _LONGEST_RHYTHM :]]
    for beats in range(1, min(_LONGEST_RHYTHM, len(lengths) // 2) + 1):
        if lengths[-beats:] == lengths[-2 * beats : -beats]:
            return lengths[-beats:]
    return []


def _follow(buffer: bytearray, at: int, stop: int, rhythm: Sequence[int]) -> tuple[Offsets, int]:
    """Return where records begin as long as their lengths keep the rhythm, and where the first begins that does not."""
    places = np.concatenate(([0], np.cumsum(np.array(rhythm, np.int64) + AROUND)))
    stride = int(places[-1])
    parts: list[Offsets] = []
    beats = 64
    while True:
        count = min(beats, (stop - at) // stride)
        if count < _LEAST_BEATS:
            break
        kept = count
        for place, length in zip(places, rhythm, strict=False):
            differs = strided(buffer, "<u8", at + int(place), kept, stride) != length
            if differs.any():
                kept = int(differs.argmax())
            if not kept:
                break
        parts.append((at + stride * np.arange(kept)[:, None] + places[:-1]).reshape(-1))
        at += stride * kept
        if kept < count:
            break
        beats *= 4
    return (np.concatenate(parts) if parts else _NONE), at
