"""Scalars of one directory of event files: plain and right; every record that is used has its checksums proved.

The framing is TensorFlow's ``core/lib/io/record_writer.h``: length [8 bytes], masked CRC32C of the length [4], data,
masked CRC32C of the data [4], all little endian; the data are an ``Event``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util.tensor_util import make_ndarray

_HEADER, _FOOTER = 12, 4  # bytes around the data of a record
_PLUGIN = "scalars"


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one tag, in the order of their steps, each step once.

    Args:
        steps: What stands on the x axis ``[n]``, int64.
        wall_times: When each was written ``[n]``, seconds since 1970, float64.
        values: ``[n]``, float64.
    """

    steps: np.ndarray
    wall_times: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class EventScalars:
    """What a directory of event files holds.

    Args:
        series: ``{tag: points}``.
        damage: A sentence for each file whose records are not all readable; one that is still written to is whole.
    """

    series: dict[str, Series]
    damage: tuple[str, ...] = ()


def read_scalars(directory: Path, prefixes: Sequence[str] = ("",)) -> EventScalars:
    """Return the scalars of the event files in a directory, of TensorFlow 2 (tensors) as of 1 (simple values).

    Where a step was written again, as by a training that was continued, the later record counts.

    Args:
        directory: The one that holds the event files; not those below.
        prefixes: How the tags of interest begin.
    """
    found = _Found(tuple(prefixes))
    for path in sorted(directory.glob("*tfevents*")):  # in the order in which TensorBoard reads them
        if path.is_file():
            found.read_file(path)
    return EventScalars({tag: _in_order(points) for tag, points in found.points.items()}, tuple(found.damage))


@dataclass(slots=True)
class _Found:
    """What has been read so far; ``points`` is ``{tag: {step: (wall time, value)}}``."""

    prefixes: tuple[str, ...]
    points: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)
    plugins: dict[str, str] = field(default_factory=dict)  # metadata may stand at the first record of a tag alone
    damage: list[str] = field(default_factory=list)

    def read_file(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            self.damage.append(f"{path.name} cannot be read: {error.strerror or error}")
            return
        spoilt = 0
        try:
            for data, checksum in _records(content):
                spoilt += not self._read_record(data, checksum)
        except _BrokenChainError as error:
            self.damage.append(f"{path.name} is damaged at byte {error.offset:,}: what follows is lost")
        if spoilt:
            self.damage.append(f"{path.name} has {spoilt:,} damaged record{'s' if spoilt > 1 else ''}: left out")

    def _read_record(self, data: bytes, checksum: int) -> bool:
        """Take the scalars of a record, and say whether it was sound; one without a scalar is not looked at closely."""
        try:
            event = Event.FromString(data)
        except DecodeError:
            return False
        wanted = [value for value in event.summary.value if value.tag.startswith(self.prefixes)]
        scalars = {value.tag: number for value in wanted if (number := self._number(value)) is not None}
        if scalars and masked_crc32c(data) != checksum:
            return False
        for tag, number in scalars.items():
            self.points.setdefault(tag, {})[event.step] = event.wall_time, number
        return True

    def _number(self, value: Summary.Value) -> float | None:
        kind = value.WhichOneof("value")
        if kind == "simple_value":
            return float(value.simple_value)
        plugin = self.plugins.setdefault(value.tag, value.metadata.plugin_data.plugin_name)
        if kind != "tensor" or plugin != _PLUGIN or value.tensor.tensor_shape.dim:
            return None
        return float(make_ndarray(value.tensor))


class _BrokenChainError(Exception):
    """The length of a record is not what its checksum says: nothing tells where the next one begins."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def _records(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield data and checksum of each record; a last one that is still being written, or was torn, is left out."""
    offset = 0
    while offset + _HEADER <= len(content):
        length, proof = struct.unpack_from("<QI", content, offset)
        if masked_crc32c(content[offset : offset + 8]) != proof:
            raise _BrokenChainError(offset)
        end = offset + _HEADER + length
        if end + _FOOTER > len(content):
            return
        yield content[offset + _HEADER : end], struct.unpack_from("<I", content, end)[0]
        offset = end + _FOOTER


def _in_order(points: dict[int, tuple[float, float]]) -> Series:
    steps = sorted(points)
    wall_times, values = np.array([points[step] for step in steps]).T
    return Series(np.array(steps, np.int64), wall_times, values)
