"""Whether a run is still training, by records and heartbeats of all kinds of machines, containers and clocks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tbcli.config import Config, PathsConfig
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import claim
from tbcli.runs.files import utc_now, utc_text
from tbcli.runs.owner import Owner, boot_id, host_name, pid_namespace
from tests.fakes import SOME_MOMENT, make_run

NOBODY = 2**22 + 1  # above the largest process number there can be
FAR = {"host": "far-away", "boot": "another", "pid_namespace": "pid:[1]"}


def running(tmp_path: Path, beat_age: float | None, **record: object) -> Run:
    """Make a run that says that it trains, with a heartbeat of some age by the present clock."""
    here = {"pid": NOBODY, "pid_started": 1, "host": host_name(), "boot": boot_id(), "pid_namespace": pid_namespace()}
    run = make_run(tmp_path, status="running", started=utc_now(), record={**here, **record})
    if beat_age is None:
        run.heartbeat_file.unlink()
    else:
        moment = time.time() - beat_age
        os.utime(run.heartbeat_file, (moment, moment))
    return run


@pytest.mark.parametrize(
    ("whose", "beat_age", "status", "is_spared"),
    [
        # This machine, this boot, this container: the process decides, and the heartbeat must agree before it goes.
        ({}, 5, "interrupted", True),
        ({}, 61, "interrupted", False),
        ({}, None, "interrupted", False),
        # Another container that shares the host's name: its heartbeat decides.
        ({"pid_namespace": "pid:[1]"}, 5, "running", True),
        ({"pid_namespace": "pid:[1]"}, 61, "interrupted", False),
        ({"pid_namespace": "pid:[1]", "pid": os.getpid(), "pid_started": None}, 61, "interrupted", False),
        # An earlier boot; or, touched since this one began, another machine of that name.
        ({"boot": "another"}, 10**9, "interrupted", False),
        ({"boot": "another", "pid": os.getpid(), "pid_started": None}, 10**9, "interrupted", False),
        ({"boot": "another"}, 5, "running", True),
        # Another machine.
        (FAR, 5, "running", True),
        (FAR, 61, "interrupted", True),
        (FAR, 899, "interrupted", True),
        (FAR, 901, "interrupted", False),
        (FAR, None, "interrupted", False),
        # A heartbeat from the future proves nothing, where no process decides; it never lets a run go.
        (FAR, -3600, "unknown", True),
        ({"pid_namespace": "pid:[1]"}, -3600, "unknown", True),
        ({}, -3600, "interrupted", True),
        (FAR, -5, "running", True),  # clocks that differ a little
        # Records of earlier versions know neither boot nor namespace.
        ({"boot": None, "pid_namespace": None}, 61, "interrupted", False),
        ({"boot": None, "pid_namespace": None}, 5, "interrupted", True),
    ],
)
def test_what_tells_whether_a_run_is_alive(
    tmp_path: Path, whose: dict[str, object], beat_age: float | None, status: str, is_spared: bool
) -> None:
    run = running(tmp_path, beat_age, **whose)
    assert run.status() == status
    assert run.is_live() is (status == "running")
    assert bool(run.why_in_use()) is is_spared
    assert bool(run.doubt()) is (status == "unknown")


@pytest.mark.parametrize("whose", [{}, FAR, {"pid_namespace": "pid:[1]"}, {"boot": "another"}])
def test_a_run_whose_directory_is_held_is_alive_whatever_clock_and_process_say(
    tmp_path: Path, whose: dict[str, object]
) -> None:
    run = running(tmp_path, 10**9, **whose)
    with claim(run.logs):
        assert run.status() == "running"
        assert "still training" in run.why_in_use()
    assert run.status() == "interrupted"
    assert not run.why_in_use()


def test_a_run_that_ended_is_in_use_while_a_process_holds_it(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    with claim(run.logs):
        assert (run.status(), run.why_in_use()) == ("finished", "is in use by another process")
    assert not run.why_in_use()


def test_a_copy_of_a_run_that_trains_does_not_train(tmp_path: Path) -> None:
    me = Owner.current()
    run = running(tmp_path, 100, pid=me.pid, pid_started=me.pid_started)
    assert run.status() == "running"
    moved = Run(run.id, run.logs.rename(run.logs.with_name("copy")), run.plots, run.models, run.record)
    assert moved.status() == "interrupted"
    with claim(moved.logs):  # renamed while it trains
        assert moved.status() == "running"


def test_a_record_says_which_process_of_which_boot_and_table_trains(tmp_path: Path) -> None:
    record = RunStore(PathsConfig(workspace=str(tmp_path))).create(Config()).record
    assert (record["boot"], record["pid_namespace"]) == (boot_id(), pid_namespace())


@pytest.mark.parametrize(
    ("ended_after", "seconds", "age"),
    [
        (20, 20, 3580),
        (-86_400, 20, 3580),  # the clock was set back a day in the training
        (3600 - 600, 3600, 0),  # by ten minutes, in a training of an hour
        (20, None, 3580),
        (20, 1e300, 3580),
    ],
)
def test_a_clock_that_was_set_back_makes_no_run_older(
    tmp_path: Path, ended_after: float, seconds: float | None, age: float
) -> None:
    ended = utc_text(SOME_MOMENT + timedelta(seconds=ended_after))
    run = make_run(tmp_path, record={"ended": ended, "seconds": seconds})
    assert run.age_seconds(SOME_MOMENT + timedelta(hours=1)) == age


def test_a_killed_run_is_no_older_than_its_start_whenever_its_heart_beat(tmp_path: Path) -> None:
    run = running(tmp_path, 86_400)
    age = run.age_seconds(utc_now() + timedelta(hours=1))
    assert age is not None
    assert age < 86_400


@pytest.mark.parametrize("pid", [0, -1, 2**31, 10**30, True, "1", None])
def test_a_record_with_no_process_number_has_no_process(tmp_path: Path, pid: object) -> None:
    run = running(tmp_path, 61, pid=pid, pid_started=None)
    assert run.status() == "interrupted"


@pytest.mark.slow
def test_a_run_of_another_process_table_is_alive_by_its_lock_and_then_by_its_heartbeat(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom tbcli.config import Config, PathsConfig\nfrom tbcli.runs import RunStore\n"
        "from tbcli.runs.claim import claim\n"
        f"run = RunStore(PathsConfig(workspace={str(tmp_path)!r})).create(Config())\nheld = claim(run.logs)\n"
        "print(run.id, flush=True)\nsys.stdin.readline()\nheld.release()\nprint(flush=True)\nsys.stdin.read()\n"
    )
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        run_id = process.stdout.readline().strip()
        if not run_id:
            pytest.skip("this system permits no process table of one's own (unshare --pid)")
        run = RunStore(PathsConfig(workspace=str(tmp_path))).find(run_id)
        assert json.loads(run.record_file.read_text())["pid_namespace"] != pid_namespace()
        os.utime(run.heartbeat_file, (0, 0))
        assert run.status() == "running"
        process.stdin.write("\n")
        process.stdin.flush()
        process.stdout.readline()
        assert run.status() == "interrupted"
        run.beat()
        assert run.status() == "running"
        assert run.why_in_use()
        process.stdin.close()


def test_a_resumed_run_beats_before_it_says_that_it_trains(tmp_path: Path) -> None:
    from tbcli.training.continuing.resuming import reopen

    run = make_run(tmp_path, status="interrupted")
    run.heartbeat_file.unlink()
    reopen(run, {})
    assert run.status() == "running"
    run.record["host"] = "far-away"
    assert run.status() == "running"
