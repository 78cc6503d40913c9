"""Event records as bytes, many at once: protobuf's wire format inside TensorFlow's framing, checksums included.

Field numbers are those of TensorFlow's ``event.proto``, ``summary.proto``, ``tensor.proto`` and ``tensor_shape.proto``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tbcli.events.columns import Columns, Floats
from tbcli.events.crc import checksum, masked, tables
from tbcli.events.framing import AROUND, HEADER

_STRING, _DOUBLE, _FLOAT = 7, 2, 1  # of types.proto
_SCALARS, _TENSORS = 1, 2  # SummaryMetadata.DataClass
_BYTES, _FIXED32 = 2, 5  # wire types
_WORD = 64
_AT_ONCE = 1 << 16  # records
Rows = NDArray[np.uint8]


def framed(data: bytes) -> bytes:
    """Return a record: length, its checksum, data, their checksum; see `tbcli.events.framing`."""
    header = struct.pack("<Q", len(data))
    return header + _proof(header) + data + _proof(data)


def version_record(wall_time: float) -> bytes:
    """Return the record that every event file begins with."""
    return framed(_moment(wall_time) + _field(3, b"brain.Event:2"))


def text_record(tag: str, step: int, wall_time: float, texts: Sequence[str]) -> bytes:
    """Return one text, or a list of them, of the text plugin."""
    shape = b"" if len(texts) == 1 else _field(2, b"\x08" + _varint(len(texts)))
    strings = b"".join(_field(8, text.encode(errors="replace")) for text in texts)
    tensor = bytes([1 << 3, _STRING]) + _field(2, shape) + strings
    value = _field(1, _tag_bytes(tag)) + _field(9, _metadata(b"text", _TENSORS)) + _field(8, tensor)
    return framed(_moment(wall_time) + b"\x10" + _varint(step) + _field(5, _field(1, value)))


def scalar_records(tag: str, points: Columns) -> Iterator[bytes]:
    """Yield the records of a series in the order of writing, many at a time.

    As simple values, which every reader knows and which hold float32; where one value needs float64, all of the series
    are tensors of the scalars plugin.
    """
    name = _field(1, _tag_bytes(tag))
    kind: type[np.floating[Any]] = np.float32 if _is_narrow(points.values) else np.float64
    if kind is np.float32:
        before, after = name + bytes([2 << 3 | _FIXED32]), b""
    else:
        head = bytes([1 << 3, _DOUBLE]) + _field(2, b"") + bytes([4 << 3 | _BYTES, 8])
        before = name + bytes([8 << 3 | _BYTES]) + _varint(len(head) + 8) + head
        after = _field(9, _metadata(b"scalars", _SCALARS))
    lengths = _varint_lengths(points.steps.view(np.uint64))
    breaks = {0, len(lengths), *range(0, len(lengths), _AT_ONCE), *(np.flatnonzero(np.diff(lengths)) + 1).tolist()}
    for first, end in pairwise(sorted(breaks)):
        steps, wall_times, values = points.part(first, end - first)
        varints = _varints(steps.view(np.uint64), int(lengths[first]))
        yield _records(wall_times, varints, before, _as_bytes(values.astype(kind)), after)


def scalar_tensors(tags: Sequence[str]) -> tuple[bytes, list[int]]:
    """Return the summary of an event that has a float32 of value 0 for each tag, and where in it the values stand.

    As tensors of the scalars plugin, which readers take for those of `tf.summary.scalar`.
    """
    tensor = bytes([1 << 3, _FLOAT]) + _field(2, b"") + bytes([5 << 3 | _BYTES, 4]) + bytes(4)
    after = _field(9, _field(1, _field(1, b"scalars")))
    values = [_field(1, _field(1, _tag_bytes(tag)) + _field(8, tensor) + after) for tag in tags]
    summary = _field(5, b"".join(values))
    ends = accumulate(map(len, values), initial=len(summary) - sum(map(len, values)))
    return summary, [end - len(after) - 4 for end in ends][1:]


def moment_and_step(wall_time: float, step: int) -> bytes:
    """Return the beginning of an event; protobuf leaves out a step of 0."""
    return _moment(wall_time) + (b"\x10" + _varint(step) if step else b"")


def _is_narrow(values: Floats) -> bool:
    with np.errstate(over="ignore"):
        return bool(((values.astype(np.float32) == values) | np.isnan(values)).all())


def _records(wall_times: Floats, steps: Rows, before: bytes, values: Rows, after: bytes) -> bytes:
    """Return records of one length: all bytes but wall time, step and value are the same."""
    tail = before + bytes(values.shape[1]) + after
    inside = bytes([1 << 3 | _BYTES]) + _varint(len(tail))
    summary = bytes([5 << 3 | _BYTES]) + _varint(len(inside) + len(tail)) + inside
    first_step = len(_moment(0)) + 1
    first_value = first_step + steps.shape[1] + len(summary) + len(before)
    data = _moment(0) + b"\x10" + bytes(steps.shape[1]) + summary + tail
    slots = ((1, _as_bytes(wall_times)), (first_step, steps), (first_value, values))
    rows = np.empty((len(steps), AROUND + len(data)), np.uint8)
    rows[:] = np.frombuffer(framed(data), np.uint8)
    # The checksum is affine: that of the data with zeros in the slots, xored with one term a byte in a slot.
    terms = tables(len(data))
    proofs = np.full(len(rows), checksum(data), np.uint32)
    for start, content in slots:
        rows[:, HEADER + start : HEADER + start + content.shape[1]] = content
        for place in range(content.shape[1]):
            proofs ^= terms[len(data) - 1 - start - place][content[:, place]]
    rows[:, HEADER + len(data) :] = _as_bytes(masked(proofs))
    return rows.tobytes()


def _as_bytes(numbers: NDArray[np.generic]) -> Rows:
    """Return the little-endian bytes of each number ``[n, bytes]``."""
    little = np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False))
    return little.view(np.uint8).reshape(len(numbers), -1)


def _varint_lengths(numbers: NDArray[np.uint64]) -> NDArray[np.int64]:
    lengths = np.ones(len(numbers), np.int64)
    for bits in range(7, _WORD, 7):
        lengths += numbers >= np.uint64(1 << bits)
    return lengths


def _varints(numbers: NDArray[np.uint64], length: int) -> Rows:
    """Return numbers that take equally many bytes ``[n, length]``."""
    rows = np.empty((len(numbers), length), np.uint8)
    for place in range(length):
        rows[:, place] = (numbers >> np.uint64(7 * place)) & np.uint64(0x7F)
    rows[:, :-1] |= 0x80
    return rows


def _varint(number: int) -> bytes:
    number &= (1 << _WORD) - 1
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + _varint(len(content)) + content


def _moment(wall_time: float) -> bytes:
    return b"\x09" + struct.pack("<d", wall_time)


def _metadata(plugin: bytes, data_class: int) -> bytes:
    return _field(1, _field(1, plugin)) + bytes([4 << 3, data_class])


def _tag_bytes(tag: str) -> bytes:
    return tag.encode(errors="surrogateescape")


def _proof(data: bytes) -> bytes:
    return struct.pack("<I", masked(checksum(data)))
