"""A process that crashes leaves where it was; of one that was killed a guess is made, and called so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tbcli.runs.crash import how_it_died
from tbcli.runs.owner import Owner
from tests.fakes import make_run

PROGRAM = """
import ctypes, os, sys
from pathlib import Path
from tbcli.config import PathsConfig
from tbcli.runs import RunStore
from tbcli.runs.crash import crash_kept
(run,) = RunStore(PathsConfig(workspace=sys.argv[1])).list()
def convert():
    {end}
with crash_kept(run):
    convert()
"""
ENDS = {
    "os.abort()": "its process crashed: Aborted, in convert (<string>, line 9)",
    "ctypes.string_at(0)": "its process crashed: Segmentation fault, in ",
    "os.kill(os.getpid(), 9)": "it was killed, perhaps for lack of memory",
    "pass": "it was killed, perhaps",
    "sys.exit(3)": "it was killed, perhaps",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_process_is_told_as_far_as_it_is_known(tmp_path: Path, end: str) -> None:
    run = make_run(tmp_path, status="running")
    before = {path.name for path in run.logs.iterdir()}
    subprocess.run([sys.executable, "-c", PROGRAM.format(end=end), str(tmp_path)], check=False)
    assert ENDS[end] in how_it_died(run)
    left = {path.name for path in run.logs.iterdir()} - before
    assert left == ({"fatal.txt"} if "crashed" in ENDS[end] or "kill" in end else set())


def test_a_machine_that_was_started_anew_has_killed_nobody_for_lack_of_memory(tmp_path: Path) -> None:
    mine = Owner.current()
    run = make_run(tmp_path, status="running", record={"pid": 1, "host": mine.host, "boot": "another"})
    assert "the machine has been started anew since" in how_it_died(run)


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"Fatal", b"Fatal Python error: \x1b[31mAborted"])
def test_whatever_lies_in_its_place_is_no_trouble(tmp_path: Path, content: bytes) -> None:
    run = make_run(tmp_path, status="running")
    (run.logs / "fatal.txt").write_bytes(content)
    assert how_it_died(run).startswith("its process ")
