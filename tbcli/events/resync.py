"""Find the next intact record after one whose length is damaged."""

from __future__ import annotations

import errno
import os

from tbcli.events import damage
from tbcli.events.crc import checksum_in_parts, masked
from tbcli.events.framing import AROUND, FOOTER, HEADER, find_headers, length_in

_PART = 1 << 18  # bytes that are searched at once

Incident = tuple[int, str, str]  # offset, kind and detail of a `tbcli.events.damage.Damage`


def resync(handle: int, broken: int, size: int) -> tuple[int, Incident]:
    """Return where the next sound record begins, or the size where none does; and what to tell of it.

    Args:
        handle: The open file.
        broken: Where the record with the damaged length begins.
        size: Bytes of the file.

    Raises:
        OSError: The file cannot be read on.
    """
    at = broken
    only_zeros = True
    while at + HEADER <= size:
        part = bytearray(os.pread(handle, _PART, at))
        if len(part) < HEADER:
            break
        is_zero = part.count(0) == len(part)
        only_zeros = only_zeros and is_zero
        for place in [] if is_zero else find_headers(part, 0, len(part)):
            length = length_in(part[place : place + HEADER]) or 0
            if _is_record(handle, at + place, length, size):
                lost = at + place - broken
                detail = f"the length of a record is damaged: {lost:,} bytes are lost, reading goes on behind them"
                return at + place, (broken, damage.LENGTH, detail)
        at += len(part) - HEADER + 1
        if is_zero:
            at = max(at, _next_data(handle, at, size) - HEADER + 1)
    lost = size - broken
    if not broken:
        return size, (0, damage.FOREIGN, "no event file: nothing in it is a record")
    if only_zeros:
        return size, (broken, damage.ZEROS, f"nothing but {lost:,} zeros to the end, all before is kept")
    detail = f"the length of a record is damaged: the remaining {lost:,} bytes are lost, all before is kept"
    return size, (broken, damage.LENGTH, detail)


def _next_data(handle: int, at: int, size: int) -> int:
    """Return where a file next has data: a hole in a sparse one may be longer than anybody can wait."""
    try:
        return os.lseek(handle, at, os.SEEK_DATA)
    except AttributeError:  # a system that does not tell
        return at
    except OSError as error:
        return size if error.errno == errno.ENXIO else at


def _is_record(handle: int, at: int, length: int, size: int) -> bool:
    """Return whether a record is at this place: the length may match its checksum by chance, both never do."""
    if at + AROUND + length > size:
        return False
    return is_sound(handle, at + HEADER, length)


def is_sound(handle: int, offset: int, length: int) -> bool:
    """Say whether data of any length agree with the checksum behind them; only a part of them is held at a time."""
    found = checksum_in_parts(lambda at, count: os.pread(handle, count, offset + at), length)
    return bool(masked(found) == int.from_bytes(os.pread(handle, FOOTER, offset + length), "little"))
