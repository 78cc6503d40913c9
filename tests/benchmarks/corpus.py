"""Event files as large as one likes, in seconds: records made by the table, with the bytes of a real writer."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata

from tbcli.events.crc import checksum, masked, tables
from tbcli.events.wire import read_event

START = 1_795_000_000.0  # wall time of step 0
FILE = "events.out.tfevents.1795000000.host.1.0.v2"
TAGS = ("epoch_loss", "epoch_accuracy", "epoch_learning_rate", "gradients/dense", "gradients/conv2d")
STEPS_A_MEGABYTE_OF_BLOBS = 8
ALL_TAGS = (*TAGS, *(f"val_{tag}" for tag in TAGS))
_SCALAR = scalar_metadata.create_summary_metadata(display_name="", description="")


def framed(data: bytes) -> bytes:
    """Return a record with its length and both checksums."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        (length, struct.pack("<I", masked(checksum(length))), data, struct.pack("<I", masked(checksum(data))))
    )


def tensor_value(tag: str, value: float) -> summary_pb2.Summary.Value:
    """Return a scalar as TensorFlow 2 and Keras write it."""
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_shape={}, float_val=[value])
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=_SCALAR)


def simple_value(tag: str, value: float) -> summary_pb2.Summary.Value:
    """Return a scalar as TensorFlow 1, PyTorch and tensorboardX write it."""
    return summary_pb2.Summary.Value(tag=tag, simple_value=value)


def scalar_record(tag: str, step: int, value: float) -> bytes:
    """Return the record of one scalar."""
    summary = summary_pb2.Summary(value=[tensor_value(tag, value)])
    return framed(event_pb2.Event(wall_time=START + step, step=step, summary=summary).SerializeToString())


def scalar_records(tags: Sequence[str], steps: int, *, simple: bool = False, seed: int = 0) -> bytes:
    """Return the records of all tags at each step from 0 on, one event a value."""
    rng = np.random.default_rng(seed)
    parts = []
    for first, last in _same_bytes(steps):
        numbers = np.arange(first, last)
        columns = [_rows(tag, numbers, rng.random(len(numbers)).astype("<f4"), simple) for tag in tags]
        parts.append(np.concatenate(columns, axis=1).tobytes())
    return b"".join(parts)


def write_file(directory: Path, records: bytes) -> Path:
    """Write a file of these records in a directory, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / FILE
    version = event_pb2.Event(wall_time=START, file_version="brain.Event:2").SerializeToString()
    path.write_bytes(framed(version) + records)
    return path


def write_runs(top: Path, runs: int, points: int) -> None:
    """Write runs of two files each, as Keras does, half of the points in either."""
    for number in range(runs):
        for place, split in enumerate(("train", "validation")):
            records = scalar_records(TAGS, points // 2 // len(TAGS), seed=2 * number + place)
            write_file(top / f"run{number:04}" / split, records)


def write_blobs(top: Path, megabytes: int) -> None:
    """Write what Keras' callback leaves with histograms and images on, and two scalars at every eighth step."""
    rng = np.random.default_rng(0)
    noise = rng.bytes(1 << 20)
    parts: list[bytes] = []
    for step in range(STEPS_A_MEGABYTE_OF_BLOBS * megabytes):
        values = []
        for layer in range(8):
            histogram = np.sort(rng.random((30, 3))).tobytes()
            values.append(_tensor(f"layer{layer}/kernel/histogram", (30, 3), types_pb2.DT_DOUBLE, [histogram]))
        for layer in range(4):
            at, length = (int(number) for number in rng.integers(10_000, 52_000, 2))
            png = [b"128", b"128", noise[at : at + length]]
            values.append(_tensor(f"layer{layer}/kernel/image", (3,), types_pb2.DT_STRING, png))
        if step % 8 == 7:
            values += [tensor_value("epoch_loss", 1 / (step + 1)), tensor_value("epoch_accuracy", step / 1000)]
        events = [
            event_pb2.Event(wall_time=START + step, step=step, summary=summary_pb2.Summary(value=[value]))
            for value in values
        ]
        parts += [framed(event.SerializeToString()) for event in events]
    write_file(top / "train", b"".join(parts))


def main(kind: str, place: str, size: int) -> None:
    """Write one corpus: ``tensors`` or ``simple`` of so many steps, so many ``runs``, or megabytes of ``blobs``."""
    top = Path(place)
    if kind == "runs":
        write_runs(top, size, 1000)
    elif kind == "blobs":
        write_blobs(top, size)
    else:
        write_file(top / "train", scalar_records(ALL_TAGS, size, simple=kind == "simple"))


def _same_bytes(steps: int) -> list[tuple[int, int]]:
    """Return ranges of steps whose varints have equally many bytes; step 0 is not written at all."""
    edges = [0, 1, 1 << 7, 1 << 14, 1 << 21, 1 << 28]
    return [(first, min(last, steps)) for first, last in pairwise(edges) if first < steps]


def _rows(tag: str, steps: np.ndarray, values: np.ndarray, simple: bool) -> np.ndarray:
    """Return framed records ``[n, bytes]`` of one tag, whose steps take equally many bytes."""
    value = (simple_value if simple else tensor_value)(tag, 1.0)
    example = event_pb2.Event(wall_time=START, step=int(steps[0]), summary=summary_pb2.Summary(value=[value]))
    data = example.SerializeToString()
    rows = np.tile(np.frombuffer(framed(data), np.uint8), (len(steps), 1))
    content = rows[:, 12:-4]
    event = read_event(data, len(data))
    assert event.wall is not None
    content[:, event.wall : event.wall + 8] = (START + 0.25 * steps).astype("<f8").view(np.uint8).reshape(-1, 8)
    if event.step is not None:
        first, last = event.step
        for place in range(first, last):
            more = 0x80 if place < last - 1 else 0
            content[:, place] = (steps >> 7 * (place - first)) & 0x7F | more
    place, _ = event.values[0].number or (0, "")
    content[:, place : place + 4] = values.view(np.uint8).reshape(-1, 4)
    rows[:, -4:] = masked(_checksums(content)).astype("<u4").view(np.uint8).reshape(-1, 4)
    return rows


def _checksums(rows: np.ndarray) -> np.ndarray:
    """Return the checksum of each row: that of as many zeros, and a term for each byte."""
    length = rows.shape[1]
    result = np.full(len(rows), checksum(bytes(length)), np.uint32)
    for place in range(length):
        result ^= tables(length)[length - 1 - place][rows[:, place]]
    return result


def _tensor(tag: str, shape: Sequence[int], kind: int, content: list[bytes]) -> summary_pb2.Summary.Value:
    dims = [{"size": size} for size in shape]
    if kind == types_pb2.DT_STRING:
        tensor = tensor_pb2.TensorProto(dtype=kind, tensor_shape={"dim": dims}, string_val=content)
        described = image_metadata.create_summary_metadata(display_name="", description="")
    else:
        tensor = tensor_pb2.TensorProto(dtype=kind, tensor_shape={"dim": dims}, tensor_content=content[0])
        described = histogram_metadata.create_summary_metadata(display_name="", description="")
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=described)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
