import struct
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util.tensor_util import make_tensor_proto

from tbcli.readers.scalars import read_scalars

SCALARS = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
IMAGES = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="images"))
VERSION = Event(wall_time=1.0, file_version="brain.Event:2")


def tensor(tag: str, value: object, metadata: SummaryMetadata | None = SCALARS) -> Summary.Value:
    return Summary.Value(tag=tag, tensor=make_tensor_proto(value), metadata=metadata)


def event(step: int, *values: Summary.Value, wall_time: float = 0.0) -> Event:
    return Event(step=step, wall_time=wall_time or 100.0 + step, summary=Summary(value=values))


def framed(record: Event) -> bytes:
    data = record.SerializeToString()
    header = struct.pack("<Q", len(data))
    return header + struct.pack("<I", masked_crc32c(header)) + data + struct.pack("<I", masked_crc32c(data))


def write(directory: Path, *events: Event, number: int = 0) -> Path:
    path = directory / f"events.out.tfevents.{number}.host"
    path.write_bytes(b"".join(map(framed, (VERSION, *events))))
    return path


def test_tensors_and_simple_values_become_points_by_tag(tmp_path) -> None:
    write(
        tmp_path,
        event(1, tensor("gradients/conv", np.float32(0.5)), tensor("updates/conv", np.float32(0.001))),
        event(2, tensor("gradients/conv", np.float32(0.25)), Summary.Value(tag="old", simple_value=3.0)),
    )
    found = read_scalars(tmp_path)
    assert set(found.series) == {"gradients/conv", "updates/conv", "old"}
    series = found.series["gradients/conv"]
    assert series.steps.tolist() == [1, 2]
    assert series.wall_times.tolist() == [101.0, 102.0]
    assert series.values.tolist() == [0.5, 0.25]
    assert found.damage == ()


def test_only_the_tags_that_begin_as_asked_are_read(tmp_path) -> None:
    write(tmp_path, event(1, tensor("gradients/a", np.float32(1)), tensor("batch_gradients/a", np.float32(1))))
    assert set(read_scalars(tmp_path, ["gradients/", "dead_units/"]).series) == {"gradients/a"}


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_a_scalar_of_any_type_is_a_number(tmp_path, kind) -> None:
    write(tmp_path, event(1, tensor("x", kind(7))))
    assert read_scalars(tmp_path).series["x"].values.tolist() == [7.0]


def test_what_is_no_scalar_is_passed_by(tmp_path) -> None:
    write(tmp_path, event(1, tensor("picture", [b"2", b"2", b"png"], IMAGES), tensor("vector", np.zeros(3))))
    assert read_scalars(tmp_path).series == {}


def test_the_kind_of_a_tag_may_be_told_at_its_first_record_alone(tmp_path) -> None:
    write(tmp_path, event(1, tensor("x", np.float32(1))), event(2, tensor("x", np.float32(2), None)))
    assert read_scalars(tmp_path).series["x"].steps.tolist() == [1, 2]


def test_files_continue_one_another_and_the_later_record_of_a_step_counts(tmp_path) -> None:
    write(tmp_path, *(event(step, tensor("x", np.float32(step))) for step in (1, 2, 3)), number=1)
    write(tmp_path, *(event(step, tensor("x", np.float32(10 * step))) for step in (3, 4)), number=2)
    series = read_scalars(tmp_path).series["x"]
    assert series.steps.tolist() == [1, 2, 3, 4]
    assert series.values.tolist() == [1, 2, 30, 40]


def test_not_a_number_stays_what_it_is(tmp_path) -> None:
    write(tmp_path, event(1, tensor("x", np.float32("nan"))), event(2, tensor("x", np.float32("inf"))))
    assert np.isnan(read_scalars(tmp_path).series["x"].values[0])
    assert np.isposinf(read_scalars(tmp_path).series["x"].values[1])


@pytest.mark.parametrize("cut", [1, 4, 5, 20, 50])
def test_a_torn_last_record_is_left_out_without_a_word(tmp_path, cut) -> None:
    path = write(tmp_path, event(1, tensor("x", np.float32(1))), event(2, tensor("x", np.float32(2))))
    path.write_bytes(path.read_bytes()[:-cut])
    found = read_scalars(tmp_path)
    assert found.series["x"].values.tolist() == [1]
    assert found.damage == ()


def test_a_flipped_byte_costs_its_own_record_alone_and_is_told(tmp_path) -> None:
    events = [event(step, tensor("x", np.float32(step))) for step in (1, 2, 3)]
    path = write(tmp_path, *events)
    content = bytearray(path.read_bytes())
    content[content.index(framed(events[1])) + 12 + 1 + 7] ^= 0x40  # within the wall time of step 2: it still parses
    path.write_bytes(content)
    found = read_scalars(tmp_path)
    assert found.series["x"].steps.tolist() == [1, 3]
    assert found.damage == (f"{path.name} has 1 damaged record: left out",)


def test_a_spoilt_length_ends_the_file_and_is_told(tmp_path) -> None:
    events = [event(step, tensor("x", np.float32(step))) for step in (1, 2, 3)]
    path = write(tmp_path, *events)
    content = bytearray(path.read_bytes())
    offset = content.index(framed(events[1]))
    content[offset] ^= 1
    path.write_bytes(content)
    found = read_scalars(tmp_path)
    assert found.series["x"].steps.tolist() == [1]
    assert found.damage == (f"{path.name} is damaged at byte {offset:,}: what follows is lost",)


def test_a_directory_without_event_files_holds_nothing(tmp_path) -> None:
    assert read_scalars(tmp_path).series == {}
    assert read_scalars(tmp_path / "nowhere").series == {}
