"""Event files made record by record with TensorBoard's protobuf classes, and read back with its own reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util.tensor_util import make_ndarray, make_tensor_proto

from tbcli.readers.events import read_scalars
from tbcli.readers.series import Scalars

VERSION = Event(wall_time=1.0, file_version="brain.Event:2")
Points = dict[tuple[str, str], list[tuple[int, float, float]]]


def metadata(plugin: str, **more: object) -> SummaryMetadata:
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin), **more)


SCALAR = metadata("scalars")


def tensor(tag: str, value: object, described: SummaryMetadata | None = SCALAR) -> Summary.Value:
    content = value if isinstance(value, TensorProto) else make_tensor_proto(value)
    return Summary.Value(tag=tag, tensor=content, metadata=described)


def simple(tag: str, value: float) -> Summary.Value:
    return Summary.Value(tag=tag, simple_value=value)


def event(step: int, *values: Summary.Value, wall_time: float = 0.0) -> Event:
    return Event(step=step, wall_time=wall_time or 100.0 + step, summary=Summary(value=values))


def framed(record: Event | bytes) -> bytes:
    data = record if isinstance(record, bytes) else record.SerializeToString()
    header = struct.pack("<Q", len(data))
    return header + struct.pack("<I", masked_crc32c(header)) + data + struct.pack("<I", masked_crc32c(data))


def write(directory: Path, *events: Event | bytes, number: int = 0) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"events.out.tfevents.{number}.host"
    path.write_bytes(b"".join(map(framed, (VERSION, *events))))
    return path


def curve(tag: str, steps: Sequence[int], scale: float = 1.0, began: float = 100.0) -> list[Event]:
    return [event(step, tensor(tag, np.float32(scale * step)), wall_time=began + step) for step in steps]


def points(scalars: Scalars) -> Points:
    """Return ``{(run, tag): [(step, wall time, value)]}``."""
    return {
        (series.run, series.tag): list(
            zip(series.step.tolist(), series.wall_time.tolist(), series.value.tolist(), strict=True)
        )
        for series in scalars
    }


def ours(top: Path) -> Points:
    return points(read_scalars(top, keep_all=True, cache=False))


def theirs(top: Path) -> Points:
    """Return the same by TensorBoard's own reader, everything kept."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found: Points = {}
    for directory in sorted({path.parent for path in top.rglob("*tfevents*")}):
        run = directory.relative_to(top).as_posix()
        reader = EventAccumulator(
            str(directory), size_guidance=dict.fromkeys(("scalars", "tensors"), 0), purge_orphaned_data=False
        )
        reader.Reload()
        tags = reader.Tags()
        for tag in tags["scalars"]:
            found[run, tag] = [(point.step, point.wall_time, point.value) for point in reader.Scalars(tag)]
        for tag in tags["tensors"]:
            if reader.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
                numbers = [
                    (point.step, point.wall_time, number)
                    for point in reader.Tensors(tag)
                    if (number := _number(point.tensor_proto)) is not None
                ]
                if numbers:
                    found[run, tag] = numbers
    return found


def _number(content: TensorProto) -> float | None:
    try:
        array = make_ndarray(content)
    except ValueError:  # fewer or more elements than the shape says
        return None
    return float(array.item()) if array.size == 1 and array.dtype.kind in "biuf" else None
