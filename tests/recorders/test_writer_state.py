"""Event files go back to what they were when a state was saved, and what comes next sorts behind them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tbcli.recorders.writer import EventWriter


def files_of(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*tfevents*")}


def test_what_was_written_after_the_state_is_gone_and_new_files_sort_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = EventWriter(tmp_path)
    writer.scalars({"a": 1.0}, 1, where="train")
    profiled = tmp_path / "train" / "events.out.tfevents.2000000000.host.profile-empty"
    profiled.write_bytes(b"of a profiler")
    state, before = writer.state(), files_of(tmp_path)
    writer.scalars({"b": 2.0}, 2, where="train")
    writer.text("c", "later", 2, where="")
    writer.close()

    monkeypatch.setattr(time, "time", lambda: 1_000_000.0)  # the clock was set back
    again = EventWriter(tmp_path)
    again.restore(state)
    assert files_of(tmp_path) == before
    assert again.scalar_tags == {"a"}
    assert again.lost == []
    again.scalars({"b": 2.0}, 2, where="train")
    names = sorted(files_of(tmp_path))
    assert set(names[:2]) == set(before)
    assert names[2] == "train/events.out.tfevents.2000000001" + names[2].partition("2000000001")[2]


def test_a_file_that_lost_its_end_is_named(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.scalars({"a": 1.0}, 1, where="train")
    state = writer.state()
    (path,) = tmp_path.rglob("*tfevents*")
    path.write_bytes(path.read_bytes()[:-1])
    again = EventWriter(tmp_path)
    again.restore(state)
    assert again.lost == [str(path.relative_to(tmp_path))]


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1.link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("mine")
    writer = EventWriter(tmp_path)
    writer.restore({"files": {}, "scalar_tags": ()})
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert (tmp_path / "events.out.tfevents.1.link").is_symlink()
