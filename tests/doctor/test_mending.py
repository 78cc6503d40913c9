"""The command that a finding shows does mend what it found."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.doctor.logdirs import check_logdir
from tests.doctor.logs import NOW
from tests.doctor.test_logdirs import (
    SICK,
    Make,
    again,
    at_once,
    circle,
    flipped,
    foreign,
    lonely_projector,
    nothing_written,
    outside_asset,
    pipe_for_train,
    torn,
    two_levels,
    without_right,
)

Cli = Callable[..., Result]
BY_A_COPY: dict[str, tuple[Make, str]] = {
    "torn": (torn, "file-damaged"),
    "a flipped bit": (flipped, "file-damaged"),
    "restarted": (again, "restarted"),
    "one damaged run of several": (two_levels, "file-damaged"),
}
IN_PLACE: dict[str, tuple[Make, str]] = {
    "several writers": (at_once, "several-writers"),
    "never flushed": (nothing_written, "nothing-written"),
    "a link to a parent": (circle, "link-to-parent"),
    "a pipe": (without_right, "not-readable"),
    "a pipe for a part": (pipe_for_train, "not-a-directory"),
    "no event file": (foreign, "file-damaged"),
    "an asset elsewhere": (outside_asset, "projector-asset"),
    "a projector without a run": (lonely_projector, "projector-without-run"),
}


def fix_of(top: Path, name: str) -> str:
    return next(finding.fix for finding in check_logdir(top, now=NOW)[1] if finding.name == name)


def names_in(top: Path) -> set[str]:
    return {finding.name for finding in check_logdir(top, now=NOW)[1]}


@pytest.mark.parametrize("case", BY_A_COPY)
def test_a_copy_without_the_damage(case: str, cli: Cli, workspace: Path) -> None:
    make, name = BY_A_COPY[case]
    program, *words = shlex.split(fix_of(make(workspace / "my logs"), name))
    assert program == "tbcli"
    result = cli(*words)
    assert result.exit_code == 0, result.output
    copy = workspace / result.stdout.strip()
    assert copy.is_dir()
    assert name not in names_in(copy)


@pytest.mark.parametrize("case", IN_PLACE)
def test_what_is_mended_in_place(case: str, tmp_path: Path) -> None:
    make, name = IN_PLACE[case]
    top = make(tmp_path / "my logs")
    subprocess.run(["sh", "-c", fix_of(top, name)], cwd=tmp_path, check=True)
    assert name not in names_in(top)


def test_no_fix_of_a_log_directory_removes_a_file(tmp_path: Path) -> None:
    for number, (make, _) in enumerate(SICK.values()):
        for finding in check_logdir(make(tmp_path / str(number)), now=NOW)[1]:
            assert not re.search(r"\brm\b", finding.fix), finding
