from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.image.metadata import create_summary_metadata as image_metadata
from tensorboard.util.tensor_util import make_tensor_proto

from tbcli.config import PathsConfig
from tbcli.errors import ConfigError, Refused, TbcliError
from tbcli.events.encode import framed
from tbcli.exporting.slimming import plan_slimming, slim
from tbcli.readers import read_scalars
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import claim
from tbcli.runs.cleaning.heavy import parse_kinds
from tbcli.training.continuing.eligibility import require_whole
from tests.fakes import make_run
from tests.runs.cleaning.test_trash import Killed, everywhere

PICTURE = np.array([b"2", b"2", b"png" * 3000], dtype=object)
AT = 1_795_000_000.0


def scalar(tag: str, value: float) -> Summary.Value:
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    return Summary.Value(tag=tag, tensor=make_tensor_proto(np.float32(value)), metadata=metadata)


def image(tag: str, *, described: bool = True) -> Summary.Value:
    metadata = image_metadata(display_name="", description="", converted_to_tensor=False) if described else None
    return Summary.Value(tag=tag, tensor=make_tensor_proto(PICTURE), metadata=metadata)


def record(step: int, *values: Summary.Value, **others: bytes) -> bytes:
    event = Event(wall_time=AT + step / 3, step=step, **others)  # type: ignore[arg-type]
    if values:
        event.summary.value.extend(values)
    return framed(event.SerializeToString())


VERSION = framed(Event(wall_time=AT, file_version="brain.Event:2").SerializeToString())
LIGHT = [record(step, scalar("epoch_loss", 1 / step)) for step in range(1, 40)]
OLD = record(41, Summary.Value(tag="old", simple_value=0.1), Summary.Value(tag="older", simple_value=float("nan")))
HEAVY = [record(step, image("mistakes")) for step in range(1, 4)]
LATER = record(4, image("mistakes", described=False))  # described by the first of its tag
GRAPH = record(0, graph_def=b"x" * 9000)


def slim_run(workspace: Path, content: bytes, *, files: int = 1) -> Run:
    run = make_run(workspace)
    for old in (run.logs / "train").iterdir():
        old.unlink()
    for number in range(files):
        (run.logs / "train" / f"events.out.tfevents.{number + 1}.x").write_bytes(content)
    (run.checkpoints).mkdir()
    (run.checkpoints / "step-00000010.state").write_bytes(b"s" * 5000)
    run.update(bytes=run.walk_bytes())
    return run


def events(run: Run) -> list[bytes]:
    return [path.read_bytes() for path in sorted((run.logs / "train").iterdir())]


MIXED = VERSION + b"".join(LIGHT[:20]) + GRAPH + b"".join(HEAVY) + LATER + b"".join(LIGHT[20:]) + OLD
SLIM = VERSION + b"".join(LIGHT) + OLD


def test_heavy_records_go_and_all_others_stay_byte_for_byte(tmp_path: Path) -> None:
    run = slim_run(tmp_path, MIXED)
    before, size = read_scalars(run.logs, cache=False), run.walk_bytes()
    plan = plan_slimming(run, ["images", "graphs"])
    assert slim(run, ["images", "graphs"]) == plan.bytes == size - run.walk_bytes()
    assert events(run) == [SLIM]
    after = read_scalars(run.logs, cache=False)
    for one, other in zip(before, after, strict=True):
        assert (one.tag, one.run) == (other.tag, other.run)
        for name in ("step", "wall_time", "value"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    (path,) = (run.logs / "train").iterdir()
    assert len(list(RawEventFileLoader(str(path)).Load())) == 41


@pytest.mark.parametrize(
    ("kind", "is_taken"), [("images", True), ("projector", True), ("profile", False), ("audio", False)]
)
def test_states_go_with_the_files_that_they_belong_to(tmp_path: Path, kind: str, is_taken: bool) -> None:
    run = slim_run(tmp_path, MIXED)
    for directory in (run.logs / "projector", run.logs / "plugins" / "profile"):
        directory.mkdir(parents=True)
        (directory / "file").write_bytes(b"x" * 5000)
    size = run.walk_bytes()
    plan = plan_slimming(run, [kind])
    assert slim(run, [kind]) == plan.bytes == size - run.walk_bytes()
    assert run.checkpoints.exists() != is_taken
    assert not plan_slimming(run, [kind]).is_needed


def test_the_record_says_what_is_gone_and_how_large_the_run_is(tmp_path: Path) -> None:
    run = slim_run(tmp_path, MIXED)
    slim(run, ["graphs"])
    slim(run, ["images", "checkpoints"])
    run.reload()
    assert run.record["slimmed"] == ["checkpoints", "graphs", "images"]
    assert run.record["bytes"] == run.walk_bytes()
    assert not run.checkpoints.exists()
    with pytest.raises(Refused, match="slimmed"):
        require_whole(run)


def test_nothing_to_take_changes_nothing(tmp_path: Path) -> None:
    run = slim_run(tmp_path, SLIM)
    before = run.record_file.read_bytes()
    assert slim(run, ["images", "histograms", "audio"]) == 0
    assert run.record_file.read_bytes() == before
    assert not plan_slimming(run, ["images"]).is_needed


def test_of_an_event_with_several_values_the_heavy_ones_go(tmp_path: Path) -> None:
    run = slim_run(tmp_path, VERSION + record(7, scalar("a", 0.5), image("b"), scalar("c", 0.25)))
    slim(run, ["images"])
    assert events(run) == [VERSION + record(7, scalar("a", 0.5), scalar("c", 0.25))]


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (MIXED + LIGHT[0][:-5], SLIM + LIGHT[0][:-5]),
        (VERSION + HEAVY[0] + b"\x00" * 40 + HEAVY[1], VERSION + b"\x00" * 40 + HEAVY[1]),
        (VERSION + HEAVY[0] + HEAVY[1][:-1], VERSION + HEAVY[1][:-1]),
        (VERSION + HEAVY[0][:-9] + bytes(9) + LIGHT[0], VERSION + HEAVY[0][:-9] + bytes(9) + LIGHT[0]),
        (b"", b""),
    ],
    ids=["torn", "zeros", "torn picture", "wrong checksum", "empty"],
)
def test_what_is_damaged_stays_as_it_is(tmp_path: Path, content: bytes, left: bytes) -> None:
    run = slim_run(tmp_path, content)
    slim(run, ["images", "graphs"])
    assert events(run) == [left]


def test_records_larger_than_what_is_read_at_once_are_judged_too(tmp_path: Path) -> None:
    large = record(
        1, Summary.Value(tag="x", tensor=make_tensor_proto(b"y" * (5 << 20)), metadata=image_metadata("", ""))
    )
    run = slim_run(tmp_path, VERSION + LIGHT[0] + large + LIGHT[1] + record(0, graph_def=b"g" * (5 << 20)))
    slim(run, ["images"])
    assert events(run) == [VERSION + LIGHT[0] + LIGHT[1] + record(0, graph_def=b"g" * (5 << 20))]


def test_directories_of_their_own_go_whole(tmp_path: Path) -> None:
    run = slim_run(tmp_path, MIXED)
    for place in ("projector", "train/plugins/profile", "train/projector"):
        (run.logs / place).mkdir(parents=True)
        (run.logs / place / "events.out.tfevents.1.x").write_bytes(MIXED)
    size = run.walk_bytes()
    plan = plan_slimming(run, ["projector", "profile"])
    assert slim(run, ["projector", "profile"]) == plan.bytes == size - run.walk_bytes()
    assert not (run.logs / "projector").exists()
    assert not (run.logs / "train/plugins/profile").exists()
    assert (run.logs / "train/projector").exists()


def test_links_are_neither_followed_nor_replaced(tmp_path: Path) -> None:
    run, outside = slim_run(tmp_path / "ws", MIXED), tmp_path / "outside"
    outside.mkdir()
    (outside / "events.out.tfevents.1.x").write_bytes(MIXED)
    (run.logs / "linked").symlink_to(outside)
    (run.logs / "events.out.tfevents.2.x").symlink_to(outside / "events.out.tfevents.1.x")
    (run.logs / "projector").symlink_to(outside)
    slim(run, ["images", "projector"])
    assert (outside / "events.out.tfevents.1.x").read_bytes() == MIXED
    assert (run.logs / "projector").is_symlink()


def test_a_file_with_another_name_elsewhere_frees_nothing(tmp_path: Path) -> None:
    run = slim_run(tmp_path, MIXED)
    (path,) = (run.logs / "train").iterdir()
    os.link(path, tmp_path / "kept")
    assert slim(run, ["images"]) < 0
    assert (tmp_path / "kept").read_bytes() == MIXED


def test_a_run_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbcli.runs.cleaning import removal

    monkeypatch.setattr(removal, "_TRIES", 1)
    run = slim_run(tmp_path, MIXED)
    with claim(run.logs), pytest.raises(Refused, match="in use"):
        slim(run, ["images"])
    assert events(run) == [MIXED]


def test_kinds_are_checked() -> None:
    assert parse_kinds("images, graphs,images") == ("images", "graphs")
    for text in ("pictures", "", ","):
        with pytest.raises(ConfigError):
            parse_kinds(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (OSError(errno.EIO, "Input/output error", "x"), False),
        (OSError(errno.ENOSPC, "No space left", "x"), True),
        (Killed(), True),
    ],
    ids=["error", "full", "killed"],
)
def test_whatever_fails_the_run_is_whole_and_can_be_slimmed_again(
    tmp_path: Path, error: BaseException, lasting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # it fails in its turn; else it only takes time
    template, workspace = tmp_path / "template", tmp_path / "ws"
    run_id = slim_run(template, MIXED, files=2).id

    def prepare() -> None:
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(template, workspace)

    def the_run() -> Run:
        return RunStore(PathsConfig(workspace=str(workspace))).find(run_id)

    def act() -> None:
        slim(the_run(), ["images", "graphs", "checkpoints"])

    for number in everywhere(act, prepare, error, lasting=lasting):
        run = the_run()
        left = [path.read_bytes() for path in sorted((run.logs / "train").glob("*tfevents*"))]
        assert all(content in (MIXED, SLIM) for content in left), number
        assert len(left) == 2
        is_changed = left != [MIXED, MIXED] or not any(run.checkpoints.glob("*"))
        assert not is_changed or run.record.get("slimmed"), number
        with suppress(TbcliError):
            act()
        run = the_run()
        assert [path.read_bytes() for path in sorted((run.logs / "train").glob("*tfevents*"))] == [SLIM, SLIM]
        assert not run.checkpoints.exists()
