from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tbcli.config import Config
from tbcli.runs import Run, files
from tbcli.runs.files import (
    atomic_file,
    json_ready,
    named_file,
    parse_utc,
    read_json,
    utc_text,
    write_atomically,
    write_json,
)
from tbcli.training.conclusion import conclude
from tests.fakes import make_run


def test_a_file_is_the_old_one_until_it_is_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, "old")
    with atomic_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".json"
    assert path.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")

    def half_written() -> None:
        with atomic_file(path) as temporary:
            temporary.write_text("ne")
            raise failure

    with pytest.raises(type(failure)):
        half_written()
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_full_disk_on_sync_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"epochs": 1})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"epochs": 2})
    assert read_json(path) == {"epochs": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_writing_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "run.json").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "run.json", "ours")
    assert (tmp_path / "target").read_text() == "mine"
    assert (tmp_path / "run.json").read_text() == "ours"


def write_named(path: Path, content: bytes) -> None:
    with named_file(path) as file:
        file.write(content)


def test_a_file_that_a_user_names_gets_its_directory_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.csv"
    write_named(path, b"old")
    path.chmod(0o600)
    write_named(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)


def test_a_link_that_a_user_names_stays_and_its_target_is_whole_or_as_it_was(tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    write_named(link, b"mine")  # the target does not exist yet

    def half_written() -> None:
        with named_file(link) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_written()
    assert link.is_symlink()
    assert target.read_bytes() == b"mine"
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_a_pipe_that_a_user_names_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
            write_named(path, b"x" * 100_000)
            assert len(reader.communicate()[0]) == 100_000
    assert pipe.is_fifo()


def test_what_takes_no_bytes_is_an_error_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(OSError, match="No such device"):
            write_named(Path("socket"), b"x")
        assert Path("socket").is_socket()
    Path("circle").symlink_to("circle")
    with pytest.raises(OSError, match="symbolic links"):
        write_named(Path("circle"), b"x")
    with pytest.raises(IsADirectoryError):
        write_named(tmp_path, b"x")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_our_own_streams_lead_to_goes_on_where_they_stand(tmp_path: Path, stream: str) -> None:
    code = """
import sys
from pathlib import Path
from tbcli.runs.files import named_file
stream = getattr(sys, sys.argv[1])
print("before", file=stream, flush=True)
with named_file(Path("log")) as file:
    file.write(b"data\\n")
print("after", file=stream)
"""
    with (tmp_path / "log").open("wb") as log:
        streams = {stream: log, "stderr" if stream == "stdout" else "stdout": subprocess.DEVNULL}
        subprocess.run([sys.executable, "-c", code, stream], cwd=tmp_path, check=True, **streams)
    assert (tmp_path / "log").read_text() == "before\ndata\nafter\n"


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'{"a": 1}x', b"null"])
def test_damaged_documents_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert read_json(tmp_path / "a.json") is None
    assert read_json(tmp_path / "missing.json") is None


def test_numbers_that_json_cannot_say_become_null(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"nan": math.nan, "deep": [{"inf": -math.inf}, (1, 2.5)], 3: True})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"nan": None, "deep": [{"inf": None}, [1, 2.5]], "3": True}
    assert json_ready("nan") == "nan"


def test_times_survive_the_way_to_text_and_back() -> None:
    moment = datetime(2026, 11, 22, 23, 52, 12, 345000, tzinfo=UTC)
    assert utc_text(moment) == "2026-11-22T23:52:12.345Z"
    assert parse_utc(utc_text(moment)) == moment
    assert parse_utc("2026-11-22T23:52:12") == moment.replace(microsecond=0)
    assert parse_utc(None) is parse_utc("yesterday") is parse_utc(5) is None


def test_what_is_renamed_into_place_is_on_the_disk_before_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(files, "sync", lambda path: done.append(f"{path.name} {(tmp_path / 'a.json').exists()}"))
    files.write_json(tmp_path / "a.json", {})
    assert done == [f".a.{os.getpid()}.json False", f"{tmp_path.name} True"]


def test_every_file_of_a_run_is_on_the_disk_before_it_is_called_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, status="running")
    (run.logs / "link").symlink_to("/dev/zero")
    done: list[Path] = []
    monkeypatch.setattr(files, "sync", done.append)
    on_disk: list[set[Path]] = []
    monkeypatch.setattr(Run, "update", lambda self, **_: on_disk.append({path.resolve() for path in done}))
    conclude(run, Config().updated({"plot.automatic": False}), "finished", "", 1.0, warn=pytest.fail)
    made = {path for top in (run.logs, run.models) for path in (top, *top.rglob("*")) if not path.is_symlink()}
    assert {path.resolve() for path in made} <= on_disk[0]


def test_one_file_that_the_disk_does_not_take_keeps_no_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def sync(path: Path) -> None:
        if path.name == "b":
            raise OSError(5, "Input/output error")
        done.append(path.name)

    for name in "abc":
        (tmp_path / name).touch()
    monkeypatch.setattr(files, "sync", sync)
    with pytest.raises(OSError, match="Input/output"):
        files.sync_tree(tmp_path)
    assert {"a", "c"} <= set(done)
