"""Events are those that protobuf and TensorBoard's own helpers make, and each is in the file at once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.metadata import create_summary_metadata
from tensorboard.util.tensor_util import make_tensor_proto

from tbcli.events.encode import framed
from tbcli.events.writing import EventFile, ScalarEvent

TAGS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)
VALUES = st.dictionaries(TAGS, st.floats(), max_size=9)


def theirs(wall_time: float, step: int, values: dict[str, float]) -> bytes:
    """Return the event as TensorBoard's own code makes it."""
    metadata = create_summary_metadata(display_name="", description="")
    with np.errstate(over="ignore"):
        tensors = {tag: make_tensor_proto(np.float32(value)) for tag, value in values.items()}
    summaries = [Summary.Value(tag=tag, tensor=tensor, metadata=metadata) for tag, tensor in tensors.items()]
    return Event(wall_time=wall_time, step=step, summary=Summary(value=summaries)).SerializeToString()


@given(
    values=VALUES,
    moments=st.lists(st.tuples(st.floats(1, 1e12), st.integers(-(2**63), 2**63 - 1)), max_size=4),
)
@example(values={"a": 1e39, "b": float("nan"), "c": -0.0}, moments=[(1.5, 0), (0.5, 1), (2.5, 128), (3.5, -1)])
@example(values={"a" * 1200: 1.0}, moments=[(1.5, 7)])
def test_scalars_of_a_step_are_byte_for_byte_those_of_protobuf(values, moments) -> None:
    event = ScalarEvent(tuple(values))
    for wall_time, step in moments:
        for shown in (values, dict.fromkeys(values, 0.1)):  # the second from what is kept of the first
            assert event.record(wall_time, step, shown.values()) == framed(theirs(wall_time, step, shown))


def events(path: Path) -> list[Event]:
    """Return what TensorBoard's own reader finds; it verifies every checksum."""
    return [Event.FromString(data) for data in RawEventFileLoader(str(path)).Load()]


def test_each_record_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    assert [event.file_version for event in events(file.path)] == ["brain.Event:2"]
    size = file.path.stat().st_size
    size += file.scalars(("a", "b"), (1.0, 2.0), 7)
    assert file.path.stat().st_size == size
    size += file.event(Event(step=8).SerializeToString())
    assert file.path.stat().st_size == size
    assert [event.step for event in events(file.path)] == [0, 7, 8]
    file.close()


def test_files_of_one_process_have_names_of_their_own(tmp_path: Path) -> None:
    files = [EventFile(tmp_path) for _ in range(3)]
    assert len({file.path for file in files}) == 3
    assert sorted(file.path for file in files) == [file.path for file in files]
    for file in files:
        file.close()


@pytest.mark.parametrize("bytes_left", [0, 1, 50])
def test_a_full_disk_names_the_file_and_leaves_whole_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_left: int
) -> None:
    file, write = EventFile(tmp_path), os.write
    file.scalars(("a",), (1.0,), 1)
    room = [bytes_left]

    def write_little(handle: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = write(handle, data[: room[0]])
        room[0] -= count
        return count

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_little)
        with pytest.raises(OSError, match="No space left") as caught:
            file.scalars(("a",), (2.0,), 2)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(file.path))
    file.scalars(("a",), (3.0,), 3)
    assert [event.step for event in events(file.path)] == [0, 1, 3]
    file.close()
