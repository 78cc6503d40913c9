"""An ``Event`` read from its bytes without a protobuf library: what it holds, and where in the bytes.

Only what canonical writers leave is understood (each field once, in its own wire type); of everything else `Unusual` is
raised, and `tbcli.events.plain` decides. Field numbers are those of TensorBoard's ``compat/proto``:
``event.proto``, ``summary.proto``, ``tensor.proto``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from tbcli.events.fields import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Source,
    Unusual,
    fields_of,
    numbers_of,
    read_text,
    read_varint,
    take_varint,
)

SCALARS = "scalars"  # the plugin whose tensors are scalars
UNKNOWN = ""  # the plugin of a tensor without metadata: it may have been told by an earlier record

_MOST_REST = 256  # bytes of a description that is worth remembering
_OLD_KINDS = {3: "histograms", 4: "images", 5: "histograms", 6: "audio"}  # fields of a value before there were tensors
_OTHER_EVENTS = {4: "graph", 6: "log", 7: "session", 8: "run_metadata", 9: "meta_graph"}
# TensorProto: what stands in `tensor_content` by dtype, and the fields of fixed width with their dtype.
_CONTENT = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 17: "<u2", 19: "<f2"}
_CONTENT |= {22: "<u4", 23: "<u8"}
_WIDTHS = {kind: 1 if kind[0] != "<" else int(kind[-1]) for kind in _CONTENT.values()}
_FIXED_FIELDS = {5: (1, "<f4"), 6: (2, "<f8")}
_NUMBER_FIELDS = {4 << 3 | BYTES, 5 << 3 | BYTES, 6 << 3 | BYTES, 5 << 3 | FIXED32, 6 << 3 | FIXED64}


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
        is_tensor: Whether `tbcli.events.plain` may find a number where there is none at a fixed place.
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
    fields = fields_of(data, 0, length)
    if len(numbers_of(fields) & {3, 4, 5, 6, 7, 8, 9}) > 1:
        raise Unusual  # one of them excludes the others
    for key, start, end in fields:
        number = key >> 3
        if key == 1 << 3 | FIXED64:
            event.wall = start
        elif key == 2 << 3 | VARINT:
            event.step = start, end
        elif key == 5 << 3 | BYTES:
            event.values = [_read_value(data, *part) for part in _values(data, start, end)]
        elif number in _OTHER_EVENTS and key & 7 == BYTES:
            name, event.is_bare = _OTHER_EVENTS[number], True
            tag = _tag_of_metadata(data, start, end) if number == 8 else name
            event.values = [WireValue(tag, name, end - start, payload=[(start, end)])]
        elif key not in (3 << 3 | BYTES, 10 << 3 | BYTES):  # the version of the file, and who wrote it
            raise Unusual
    return event


_TENSOR_EVENT = re.compile(
    rb"\x09.{8}(?:\x10[\x80-\xff]{0,9}[\x00-\x7f])?"  # wall time and step
    rb"\x2a([\x80-\xff]{0,4}[\x00-\x7f])\x0a([\x80-\xff]{0,4}[\x00-\x7f])\x0a([\x00-\x7f])",  # summary, value, tag
    re.DOTALL,
)


class Outline(NamedTuple):
    """An event of one tensor and nothing else: the bytes of its tag and of what follows the tensor, and its size."""

    tag: bytes
    rest: bytes
    size: int


def outline(data: memoryview) -> Outline | None:
    """Return what a large record looks like from outside, several times as quick as `read_event`.

    Two records of the same tag and rest hold the same kind of value.

    Returns:
        None where it is not in the order in which TensorFlow 2 writes.
    """
    found = _TENSOR_EVENT.match(data)
    if found is None:
        return None
    tag = found.end()
    after = tag + found[3][0]
    size = len(data) - found.end(2)
    if after >= len(data) or data[after] != 8 << 3 | BYTES:
        return None
    try:
        length, start = take_varint(data, after + 1, len(data))
    except Unusual:
        return None
    end = start + length
    sizes = read_varint(found[1], 0, 5), read_varint(found[2], 0, 5)
    if end > len(data) or len(data) - end > _MOST_REST or sizes != (len(data) - found.end(1), size):
        return None
    return Outline(bytes(data[tag:after]), bytes(data[end:]), size)


def _read_value(data: Source, start: int, end: int) -> WireValue:
    value = WireValue("", UNKNOWN, end - start)
    fields = fields_of(data, start, end)
    if len(numbers_of(fields) & {2, 3, 4, 5, 6, 8}) > 1:
        raise Unusual
    tensor: tuple[int, int] | None = None
    old_kind = UNKNOWN
    for key, begin, stop in fields:
        number = key >> 3
        if key == 2 << 3 | FIXED32:
            value.number = begin, "<f4"
        elif key & 7 != BYTES:
            raise Unusual
        elif number in (1, 7):  # the tag, and the name of the node: both must be text, as protobuf wants them
            text = read_text(data, begin, stop)
            value.tag = text if number == 1 else value.tag
            value.texts.append((begin, stop))
        elif number == 8:
            tensor = begin, stop
            value.payload.append((begin, stop))
        elif number == 9:
            described = _read_metadata(bytes(data[begin:stop]))
            value.plugin = described.plugin
            value.texts += [(begin + first, begin + last) for first, last in described.texts]
            value.payload += [(begin + first, begin + last) for first, last in described.payload]
        elif number in _OLD_KINDS:
            old_kind = _OLD_KINDS[number]
            value.payload.append((begin, stop))
        else:
            raise Unusual
    if value.number is not None:
        value.plugin = SCALARS
    elif tensor is not None and value.plugin in (SCALARS, UNKNOWN):
        value.number = _read_tensor(data, *tensor)
        value.is_tensor = True
    value.plugin = value.plugin or old_kind
    if value.number is not None:
        value.payload = []  # of a scalar all but the number itself must be as before
    return value


def _read_tensor(data: Source, start: int, end: int) -> tuple[int, str] | None:
    """Return position and type of the one number of a tensor without dimensions, if it has a fixed place."""
    dtype, found, width = 0, None, 0
    for key, begin, stop in fields_of(data, start, end):
        if key == 1 << 3 | VARINT:
            dtype = read_varint(data, begin, stop)
        elif found is None and key in _NUMBER_FIELDS:
            found, width = (begin, key >> 3), stop - begin
        elif key != 3 << 3 | VARINT and (key != 2 << 3 | BYTES or begin < stop):  # version, shape of no dimensions
            return None
    if found is None:
        return None
    expected, kind = _FIXED_FIELDS.get(found[1], (dtype, _CONTENT.get(dtype, "")))
    return (found[0], kind) if dtype == expected and width == _WIDTHS.get(kind) else None


class _Metadata(NamedTuple):
    """What describes a value: its plugin, and where names and other contents stand, from the description's start on."""

    plugin: str
    texts: list[tuple[int, int]]
    payload: list[tuple[int, int]]


@lru_cache
def _read_metadata(data: bytes) -> _Metadata:
    """Return what a description says; a few stand beside thousands of values, so those met last are remembered."""
    plugin, texts, payload = UNKNOWN, [], []
    fields = fields_of(data, 0, len(data))
    numbers_of(fields)
    for key, begin, stop in fields:
        if key == 1 << 3 | BYTES:
            inner = fields_of(data, begin, stop)
            numbers_of(inner)
            for part, first, last in inner:
                if part == 1 << 3 | BYTES:
                    plugin = read_text(data, first, last)
                    texts.append((first, last))
                elif part == 2 << 3 | BYTES:
                    payload.append((first, last))
                else:
                    raise Unusual
        elif key in (2 << 3 | BYTES, 3 << 3 | BYTES):  # name and description that are shown
            read_text(data, begin, stop)
            texts.append((begin, stop))
        elif key != 4 << 3 | VARINT:  # the class of data, which follows from the plugin
            raise Unusual
    return _Metadata(plugin, texts, payload)


def _tag_of_metadata(data: Source, start: int, end: int) -> str:
    for key, begin, stop in fields_of(data, start, end):
        if key == 1 << 3 | BYTES:
            return read_text(data, begin, stop)
    return ""


def _values(data: Source, start: int, end: int) -> Iterator[tuple[int, int]]:
    for key, begin, stop in fields_of(data, start, end):
        if key != 1 << 3 | BYTES:
            raise Unusual
        yield begin, stop
