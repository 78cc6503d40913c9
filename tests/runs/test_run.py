from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tbcli.naming.judges import spelling_of
from tbcli.runs.ids import without_slug
from tbcli.runs.owner import Owner, start_ticks
from tests.fakes import SOME_MOMENT, make_run

NOBODY = 2**22 + 1  # above the largest process number there can be


def set_beat(run_heartbeat: Path, seconds_ago: float) -> None:
    moment = SOME_MOMENT.timestamp() - seconds_ago
    os.utime(run_heartbeat, (moment, moment))


def test_a_killed_process_leaves_an_interrupted_run(workspace: Path) -> None:
    program = (
        "import sys, time\nfrom tbcli.config import Config\nfrom tbcli.runs import RunStore\n"
        "print(RunStore(Config().paths).create(Config()).id, flush=True)\nsys.stdin.read()\n"
    )
    from tbcli.config import PathsConfig
    from tbcli.runs import RunStore

    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        run = RunStore(PathsConfig()).find(process.stdout.readline().strip())
        os.utime(run.heartbeat_file, (0, 0))
        assert run.is_live()  # however stale its heartbeat
        assert run.status() == "running"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
        run.beat()
        assert not run.is_live()  # however fresh its heartbeat
        assert run.status() == "interrupted"
    assert run.status() == "interrupted"


def test_a_process_number_given_to_another_process_is_not_the_owner(tmp_path: Path) -> None:
    owner = Owner.current()
    run = make_run(tmp_path, record={"status": "running", "pid": owner.pid, "pid_started": 1, "host": owner.host})
    assert not run.is_live()


@pytest.mark.parametrize(("seconds_ago", "status"), [(5, "running"), (59, "running"), (61, "interrupted")])
def test_a_run_on_another_machine_lives_by_its_heartbeat(tmp_path: Path, seconds_ago: float, status: str) -> None:
    run = make_run(tmp_path, record={"status": "running", "host": "far-away"})
    set_beat(run.heartbeat_file, seconds_ago)
    assert run.status(SOME_MOMENT) == status


@pytest.mark.parametrize("lost", ["pid", "host", "heartbeat"])
def test_what_a_record_does_not_tell_is_taken_from_the_heartbeat(tmp_path: Path, lost: str) -> None:
    run = make_run(
        tmp_path, record={"status": "running", "host": "far-away", **({lost: None} if lost != "heartbeat" else {})}
    )
    set_beat(run.heartbeat_file, 5)
    if lost == "heartbeat":
        run.heartbeat_file.unlink()
    assert run.is_live(SOME_MOMENT) is (lost != "heartbeat")


def test_without_start_times_a_process_that_is_gone_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Owner.current().host
    assert Owner(NOBODY, None, host).lives() is False
    assert Owner(os.getpid(), None, host).lives() is None
    assert Owner(1, None, "far-away").lives() is None


def test_a_process_is_told_from_a_later_one_by_its_start() -> None:
    assert start_ticks(os.getpid()) == Owner.current().pid_started
    assert start_ticks(NOBODY) is None


@pytest.mark.parametrize("status", ["finished", "failed", "interrupted", "diverged"])
def test_a_run_that_ended_is_not_live_and_keeps_its_status(tmp_path: Path, status: str) -> None:
    owner = Owner.current()
    facts = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}
    run = make_run(tmp_path, status=status, record=facts)
    assert not run.is_live()
    assert run.status() == status


def test_age_counts_from_the_end_and_for_a_live_run_from_its_start(tmp_path: Path) -> None:
    now = SOME_MOMENT + timedelta(hours=1)
    ended = make_run(tmp_path)
    assert ended.age_seconds(now) == 3580
    owner = Owner.current()
    facts = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}
    assert make_run(tmp_path, status="running", record=facts).age_seconds(now) == 3600
    killed = make_run(tmp_path, status="running", record={"pid": NOBODY})
    set_beat(killed.heartbeat_file, 0)
    assert killed.age_seconds(now) == 3600
    killed.heartbeat_file.unlink()
    killed.record["started"] = None
    assert killed.age_seconds(now) is None


def test_a_clock_that_went_back_makes_no_negative_age(tmp_path: Path) -> None:
    assert make_run(tmp_path).age_seconds(SOME_MOMENT - timedelta(days=1)) == 0


def test_bytes_are_kept_in_the_record_and_walked_without(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    kept = run.record["bytes"]
    (run.plots / "more.png").write_bytes(b"x" * 500)
    assert run.bytes() == kept
    assert run.walk_bytes() > kept
    run.update(bytes=None)
    assert run.bytes() == run.walk_bytes()


def test_walking_counts_links_as_links(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    (run.logs / "link").symlink_to(tmp_path / "large")
    (run.logs / "around").symlink_to(run.logs)
    assert run.walk_bytes() < 50_000


def test_metrics_are_read_by_name(tmp_path: Path) -> None:
    run = make_run(tmp_path, val_accuracy=0.98)
    assert run.metric("val_accuracy") == 0.98
    assert run.metric("test_accuracy") == 0.98
    assert run.metric("flops") is None
    for odd in (None, True, "high", [1], {"best": None}):
        run.record["metrics"] = {"flops": odd}
        assert run.metric("flops") is None


def test_an_update_is_on_disk_and_nan_is_null(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.update(note="模型", seconds=float("nan"))
    run.reload()
    assert run.record["note"] == "模型"
    assert run.record["seconds"] is None


def test_a_label_has_the_name_where_there_is_one(tmp_path: Path) -> None:
    run = make_run(tmp_path, name="base")
    assert run.label == f"base ({without_slug(run.id)})"  # the id says the name too
    assert make_run(tmp_path).label[:8] == "20261122"
    assert run.saved_model.name == "mnist_cnn_model.keras"


def test_a_training_of_somebody_elses_that_tells_no_task_has_none(tmp_path: Path) -> None:
    run = make_run(tmp_path, record={"backend": "tensorflow"})
    run.record.pop("task", None)
    assert (run.task_name, run.judge) == (None, "")


@pytest.mark.parametrize(
    ("names", "judge", "expected"),
    [
        (["val_acc", "val_loss"], "val_accuracy", "val_acc"),
        (["val_sparse_categorical_accuracy"], "val_accuracy", "val_sparse_categorical_accuracy"),
        (["val_acc", "val_binary_accuracy"], "val_binary_accuracy", "val_binary_accuracy"),
        (["val_acc"], "val_mae", "val_mae"),
        (["val_acc"], "val_", "val_"),
    ],
)
def test_a_judge_is_found_under_any_word_for_accuracy(names: list[str], judge: str, expected: str) -> None:
    assert spelling_of(judge, names) == expected
