from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util.tensor_util import make_ndarray

from tbcli.events.columns import Columns
from tbcli.events.encode import scalar_records, text_record, version_record
from tests.events.records import theirs

STEPS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.floats(allow_nan=False, allow_infinity=False)
TAGS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)


def columns(points: list[tuple[int, float, float]]) -> Columns:
    steps, wall_times, values = zip(*points, strict=True)
    return Columns(np.array(steps, np.int64), np.array(wall_times, np.float64), np.array(values, np.float64))


def events(path: Path) -> list[Event]:
    """Return what TensorBoard's own reader finds; it proves every checksum."""
    return [Event.FromString(data) for data in RawEventFileLoader(str(path)).Load()]


def written(directory: Path, records: list[bytes]) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / "events.out.tfevents.1.x"
    path.write_bytes(b"".join([version_record(1.5), *records]))
    return path


@given(tag=TAGS, points=st.lists(st.tuples(STEPS, TIMES, st.floats(width=32)), min_size=1))
def test_float32_is_written_as_simple_values_that_tensorboard_reads(tmp_path, tag, points) -> None:
    path = written(tmp_path, list(scalar_records(tag, columns(points))))
    first, *rest = events(path)
    assert (first.file_version, first.wall_time) == ("brain.Event:2", 1.5)
    found = [(event.step, event.wall_time, event.summary.value[0].simple_value) for event in rest]
    np.testing.assert_equal(found, [(step, time, value) for step, time, value in points])
    assert {event.summary.value[0].tag for event in rest} == {tag}


@given(points=st.lists(st.tuples(STEPS, TIMES, st.floats()), min_size=1))
def test_a_value_that_needs_float64_makes_tensors_of_the_whole_series(tmp_path, points) -> None:
    points = [*points, (1, 2.0, 0.1)]
    _, *rest = events(written(tmp_path, list(scalar_records("a", columns(points)))))
    values = [event.summary.value[0] for event in rest]
    assert {value.metadata.plugin_data.plugin_name for value in values} == {"scalars"}
    found = [
        (event.step, event.wall_time, make_ndarray(value.tensor).item())
        for event, value in zip(rest, values, strict=True)
    ]
    np.testing.assert_equal(found, points)


def test_the_accumulator_reads_what_was_written(tmp_path) -> None:
    many = [(step, 100.0 + step, float(np.float32(step / 7))) for step in range(70_000)]
    wide = [(step * 1000, 5.0, step / 7) for step in range(300)]
    records = [*scalar_records("narrow", columns(many)), *scalar_records("wide", columns(wide))]
    written(tmp_path / "run", records)
    assert theirs(tmp_path) == {("run", "narrow"): many, ("run", "wide"): wide}


def test_texts_are_read_by_tensorboard(tmp_path) -> None:
    path = written(tmp_path, [text_record("note", 3, 7.0, ["# One"]), text_record("list", 4, 8.0, ["a", "é"])])
    _, one, several = events(path)
    value = one.summary.value[0]
    assert (value.tag, one.step, one.wall_time) == ("note", 3, 7.0)
    assert value.metadata.plugin_data.plugin_name == "text"
    assert make_ndarray(value.tensor).item() == b"# One"
    assert make_ndarray(several.summary.value[0].tensor).tolist() == [b"a", "é".encode()]
