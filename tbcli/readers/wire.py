"""An ``Event`` read from its bytes without a protobuf library: what it holds, and where in the bytes.

Only what canonical writers leave is understood (each field once, in its own wire type); of everything else `Unusual` is
raised, and `tbcli.readers.plain` decides. Field numbers are those of TensorBoard's ``compat/proto``: ``event.proto``,
``summary.proto``, ``tensor.proto``; the encoding is that of protobuf (protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, overload

SCALARS = "scalars"  # the plugin whose tensors are scalars
UNKNOWN = ""  # the plugin of a tensor without metadata: it may have been told by an earlier record

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OLD_KINDS = {3: "histograms", 4: "images", 5: "histograms", 6: "audio"}  # fields of a value before there were tensors
_OTHER_EVENTS = {4: "graph", 6: "log", 7: "session", 8: "run_metadata", 9: "meta_graph"}
# TensorProto: what stands in `tensor_content` by dtype, and the fields of fixed width with their dtype.
_CONTENT = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 17: "<u2", 19: "<f2"}
_CONTENT |= {22: "<u4", 23: "<u8"}
_WIDTHS = {kind: 1 if kind[0] != "<" else int(kind[-1]) for kind in _CONTENT.values()}
_FIXED_FIELDS = {5: (1, "<f4"), 6: (2, "<f8")}


class Unusual(Exception):  # noqa: N818 - not an error: the plain path decides
    """The bytes are not what a canonical writer leaves."""


class Source(Protocol):
    """Bytes by position: ``bytes`` itself, or a file of which only what is asked for is read."""

    @overload
    def __getitem__(self, key: int, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...


@dataclass(slots=True)
class WireValue:
    """One value of a summary.

    Args:
        tag: Its name.
        plugin: Who shows it; `SCALARS` for a simple value, `UNKNOWN` for a tensor without metadata.
        size: Bytes of the value in the file.
        number: Position and NumPy type of the number, or None where it is no number of a fixed place.
        texts: Ranges of bytes that hold names.
        payload: Ranges of bytes that may differ from record to record without changing what is known of them.
        is_tensor: Whether `tbcli.readers.plain` may find a number where there is none at a fixed place.
    """

    tag: str
    plugin: str
    size: int
    number: tuple[int, str] | None = None
    texts: list[tuple[int, int]] = field(default_factory=list)
    payload: list[tuple[int, int]] = field(default_factory=list)
    is_tensor: bool = False


@dataclass(slots=True)
class WireEvent:
    """What one record holds.

    Args:
        wall: Position of the wall time, a float64, or None where it is zero.
        step: Range of the bytes of the step, a varint, or None where it is zero.
        values: Those of its summary; for another kind of event one that stands for it.
        is_bare: Whether it is of another kind.
    """

    wall: int | None = None
    step: tuple[int, int] | None = None
    values: list[WireValue] = field(default_factory=list)
    is_bare: bool = False


def read_event(data: Source, length: int) -> WireEvent:
    """Return what the record holds.

    Raises:
        Unusual: It is not what a canonical writer leaves, or no event at all.
    """
    event = WireEvent()
    seen: set[int] = set()
    for number, wire, start, end in _fields(data, 0, length):
        _once(seen, number)
        match number, wire:
            case 1, 1:
                event.wall = start
            case 2, 0:
                event.step = start, end
            case 5, 2:
                event.values = [_read_value(data, *part) for part in _repeated(data, start, end, 1)]
            case 3 | 10, 2:
                pass  # the version of the file, and who wrote it
            case 4 | 6 | 7 | 8 | 9, 2:
                name, event.is_bare = _OTHER_EVENTS[number], True
                tag = _tag_of_metadata(data, start, end) if number == 8 else name
                event.values = [WireValue(tag, name, end - start, payload=[(start, end)])]
            case _:
                raise Unusual
    if len(seen & {3, 4, 5, 6, 7, 8, 9}) > 1:
        raise Unusual  # one of them excludes the others
    return event


def read_varint(data: Source, start: int, end: int) -> int:
    """Return the number in a range that `read_event` found, as an unsigned one of 64 bits."""
    result = 0
    for place, byte in enumerate(data[start:end]):
        result |= (byte & 0x7F) << 7 * place
    return result & 0xFFFF_FFFF_FFFF_FFFF


def _read_value(data: Source, start: int, end: int) -> WireValue:
    value = WireValue("", UNKNOWN, end - start)
    seen: set[int] = set()
    plugin = None
    for number, wire, begin, stop in _fields(data, start, end):
        _once(seen, number)
        match number, wire:
            case 1, 2:
                value.tag = _text(data, begin, stop)
                value.texts.append((begin, stop))
            case 2, 5:
                value.number = begin, "<f4"
            case 3 | 4 | 5 | 6, 2:
                value.payload.append((begin, stop))
                value.plugin = _OLD_KINDS[number]
            case 7, 2:
                value.texts.append((begin, stop))  # the node's name
            case 8, 2:
                value.is_tensor = True
                value.number = _read_tensor(data, begin, stop)
                value.payload.append((begin, stop))
            case 9, 2:
                plugin = _read_metadata(data, begin, stop, value)
            case _:
                raise Unusual
    if len(seen & {2, 3, 4, 5, 6, 8}) > 1:
        raise Unusual
    if 2 in seen:
        value.plugin = SCALARS
    else:
        value.plugin = plugin or value.plugin
        if value.plugin not in (SCALARS, UNKNOWN):
            value.number = None
    if value.number is not None:
        value.payload = []  # of a scalar all but the number itself must be as before
    return value


def _read_tensor(data: Source, start: int, end: int) -> tuple[int, str] | None:
    """Return position and type of the one number of a tensor without dimensions, if it has a fixed place."""
    dtype, found, width = 0, None, 0
    for number, wire, begin, stop in _fields(data, start, end):
        match number, wire:
            case 1, 0:
                dtype = read_varint(data, begin, stop)
            case 2, 2 if begin == stop:
                pass  # a shape of no dimensions
            case 3, 0:
                pass
            case 4 | 5 | 6, 2 if found is None:
                found, width = (begin, number), stop - begin
            case 5 | 6, 1 | 5 if found is None:
                found, width = (begin, number), 4 if wire == _FIXED32 else 8
            case _:
                return None
    if found is None:
        return None
    expected, kind = _FIXED_FIELDS.get(found[1], (dtype, _CONTENT.get(dtype, "")))
    return (found[0], kind) if dtype == expected and width == _WIDTHS.get(kind) else None


def _read_metadata(data: Source, start: int, end: int, value: WireValue) -> str | None:
    plugin = None
    seen: set[int] = set()
    for number, wire, begin, stop in _fields(data, start, end):
        _once(seen, number)
        match number, wire:
            case 1, 2:
                inner: set[int] = set()
                for part, part_wire, first, last in _fields(data, begin, stop):
                    _once(inner, part)
                    if (part, part_wire) == (1, _BYTES):
                        plugin = _text(data, first, last)
                        value.texts.append((first, last))
                    elif (part, part_wire) == (2, _BYTES):
                        value.payload.append((first, last))
                    else:
                        raise Unusual
            case 2 | 3, 2:
                value.texts.append((begin, stop))  # name and description that are shown
            case 4, 0:
                pass  # the class of data, which follows from the plugin
            case _:
                raise Unusual
    return plugin


def _tag_of_metadata(data: Source, start: int, end: int) -> str:
    for number, wire, begin, stop in _fields(data, start, end):
        if (number, wire) == (1, _BYTES):
            return _text(data, begin, stop)
    return ""


def _repeated(data: Source, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    for number, wire, begin, stop in _fields(data, start, end):
        if (number, wire) != (wanted, _BYTES):
            raise Unusual
        yield begin, stop


def _fields(data: Source, at: int, end: int) -> list[tuple[int, int, int, int]]:
    """Return number, wire type and the range of the contents of each field between two positions."""
    found = []
    while at < end:
        key, at = _varint(data, at, end)
        wire = key & 7
        if wire == _BYTES:
            length, at = _varint(data, at, end)
            stop = at + length
        elif wire == _VARINT:
            stop = _varint(data, at, end)[1]
        elif wire == _FIXED64:
            stop = at + 8
        elif wire == _FIXED32:
            stop = at + 4
        else:
            raise Unusual
        if stop > end:
            raise Unusual
        found.append((key >> 3, wire, at, stop))
        at = stop
    return found


def _varint(data: Source, at: int, end: int) -> tuple[int, int]:
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


def _once(seen: set[int], number: int) -> None:
    if number in seen:
        raise Unusual
    seen.add(number)


def _text(data: Source, start: int, end: int) -> str:
    try:
        return data[start:end].decode()
    except UnicodeDecodeError:
        raise Unusual from None
