"""Protobuf's encoding (protobuf.dev/programming-guides/encoding), as far as event files need it: fields and varints."""

from __future__ import annotations

from typing import Protocol, overload

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
Field = tuple[int, int, int]  # key, which is its number * 8 + its wire type, and the range of its contents
_MOST_FIELDS = 1 << 20  # of one message: its list must not fill the memory


class Unusual(Exception):  # noqa: N818 - not an error: the plain path decides
    """The bytes are not canonical protobuf."""


class Source(Protocol):
    """Bytes by position: in memory, or in a file of which only what is asked for is read."""

    @overload
    def __getitem__(self, key: int, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes | memoryview: ...


def fields_of(data: Source, at: int, end: int) -> list[Field]:
    """Return key and the range of the contents of each field between two positions."""
    found: list[Field] = []
    while at < end:
        key, at = data[at], at + 1
        if key >= 0x80:
            key, at = take_varint(data, at - 1, end)
        wire = key & 7
        if wire == BYTES:
            length, at = take_varint(data, at, end)
            stop = at + length
        elif wire == VARINT:
            stop = take_varint(data, at, end)[1]
        elif wire == FIXED64:
            stop = at + 8
        elif wire == FIXED32:
            stop = at + 4
        else:
            raise Unusual
        if stop > end or key < 8 or len(found) == _MOST_FIELDS:  # there is no field 0
            raise Unusual
        found.append((key, at, stop))
        at = stop
    return found


def numbers_of(fields: list[Field]) -> set[int]:
    """Return the numbers of the fields; of one that is there twice protobuf takes the last, which is unusual."""
    numbers = {key >> 3 for key, _, _ in fields}
    if len(numbers) < len(fields):
        raise Unusual
    return numbers


def take_varint(data: Source, at: int, end: int) -> tuple[int, int]:
    """Return the number and where it ends."""
    if at >= end:
        raise Unusual
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    result = byte & 0x7F
    for place in range(1, min(10, end - at)):
        byte = data[at + place]
        result |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return result, at + place + 1
    raise Unusual


def read_varint(data: Source, start: int, end: int) -> int:
    """Return the number in a range that `read_event` found, as an unsigned one of 64 bits."""
    result = 0
    for place, byte in enumerate(data[start:end]):
        result |= (byte & 0x7F) << 7 * place
    return result & 0xFFFF_FFFF_FFFF_FFFF


def read_text(data: Source, start: int, end: int) -> str:
    """Return the text in a range; bytes that are none make the whole record no event."""
    try:
        return bytes(data[start:end]).decode()
    except UnicodeDecodeError:
        raise Unusual from None
