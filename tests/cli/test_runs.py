from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.output import counted_bytes
from tbcli.cli.runs import HEADER, fitted
from tbcli.runs import Run
from tests.fakes import make_run

Cli = Callable[..., Result]
TBCLI = [sys.executable, "-m", "tbcli"]


def shown_on_a_terminal(words: list[str], columns: int, environ: dict[str, str] | None = None) -> list[str]:
    """Return the lines that a terminal of so many columns shows."""
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), **(environ or {})}
    with subprocess.Popen([*TBCLI, *words], stdin=follower, stdout=follower, stderr=follower, env=env) as process:
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 65536):
                shown += chunk
        except OSError:
            pass  # the other side is closed: all was read
    os.close(leader)
    assert process.returncode == 0
    return shown.decode().splitlines()


def size(run: Run) -> list[str]:
    return counted_bytes(run.record["bytes"]).split()


def test_the_table_has_a_row_a_run_the_newest_last(cli: Cli, workspace: Path) -> None:
    now = datetime.now(UTC)
    old = make_run(workspace, name="base", started=now - timedelta(days=3), val_accuracy=0.98765)
    new = make_run(workspace, status="failed", started=now - timedelta(hours=2))
    result = cli("runs")
    header, first, second = (line.split() for line in result.stdout.splitlines())
    assert header == " ".join(HEADER).split()
    assert first == [old.id, "base", "finished", "2d", "cnn", "mnist", "3", "0.9877", "0.9877", *size(old)]
    assert second == [new.id, "-", "failed", "1h", "cnn", "mnist", "3", "0.9800", "-", *size(new)]
    assert result.stderr == ""


def test_no_runs_is_no_output_and_a_hint(cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tbcli.serving.nearest_runs", lambda logdir: None)
    result = cli("runs")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "tbcli train" in result.stderr
    assert json.loads(cli("runs", "--json").stdout) == {"schema": 1, "runs": []}
    assert cli("runs", "--quiet").stderr == ""


def test_no_runs_here_points_at_the_nearest_that_exist(cli: Cli, workspace: Path) -> None:
    make_run(workspace / "experiments")
    result = cli("runs", "--workspace", "empty")
    assert f"--logdir {workspace / 'experiments' / 'logs'}" in result.stderr


def test_what_is_no_run_is_left_out(cli: Cli, workspace: Path) -> None:
    run, foreign = make_run(workspace), make_run(workspace / "other")
    (workspace / "logs" / "tutorial").mkdir()
    (workspace / "logs" / "broken").mkdir()
    (workspace / "logs" / "broken" / "run.json").write_text("{")
    (workspace / "logs" / foreign.id).symlink_to(foreign.logs)
    assert [each["id"] for each in json.loads(cli("runs", "--json").stdout)["runs"]] == [run.id]


def test_json_has_stable_keys_and_null_for_nan(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, val_accuracy=float("nan"), name="base")
    (document,) = json.loads(cli("runs", "--json").stdout, parse_constant=pytest.fail)["runs"]
    assert list(document) == [
        "id", "name", "note", "status", "started", "ended", "seconds", "age_seconds", "model", "data",
        "epochs", "val_accuracy", "test_accuracy", "metrics", "bytes",
    ]  # fmt: skip
    assert document["id"] == run.id
    assert document["started"] == "2026-11-22T12:00:00.000Z"
    assert document["val_accuracy"] is None
    assert document["metrics"]["loss"] == {"best": 0.1, "best_epoch": 3, "last": 0.1}


def test_one_run_is_shown_in_full(cli: Cli, workspace: Path) -> None:
    run = make_run(
        workspace, name="base", record={"note": "a\nnote", "recording": {"percent": 2.44}, "parameters": 1234567}
    )
    result = cli("runs", "base")
    assert result.stdout.startswith(f"base ({run.id})\n  status")
    for text in (
        "a note",
        "cost 2.4 %",
        "1,234,567 parameters",
        "val_accuracy  ",
        "train.epochs",
        f"logs/{run.id}/history.csv",
    ):
        assert text in result.stdout


def test_one_run_as_json_holds_its_record_configuration_and_files(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    document = json.loads(cli("runs", "latest", "--json").stdout)
    assert document["schema"] == 1
    told = document["run"]
    assert told["record"]["id"] == told["id"] == run.id
    assert told["config"]["train"]["epochs"] == 5
    assert told["bytes"] == sum(file["bytes"] for file in told["files"]) == run.walk_bytes()
    assert told["paths"]["models"] == f"models/{run.id}"


def test_a_damaged_record_is_shown_as_far_as_it_goes(cli: Cli, workspace: Path) -> None:
    odd = {
        "status": 7,
        "started": "yesterday",
        "ended": [],
        "epochs": "x",
        "metrics": [1],
        "bytes": "many",
        "name": 5,
        "seconds": "s",
    }
    run = make_run(workspace, record={**odd, "recording": 3, "parameters": "?", "versions": {"a": None}, "pid": "x"})
    run.config_file.write_text("[")
    assert "unknown" in cli("runs").stdout
    assert run.id in cli("runs", run.id).stdout
    assert cli("runs", "--json").exit_code == cli("runs", run.id, "--json").exit_code == 0


def test_of_several_runs_with_a_name_the_newest_is_shown_and_said(cli: Cli, workspace: Path) -> None:
    now = datetime.now(UTC)
    runs = [make_run(workspace, name="base", started=now - timedelta(days=days)) for days in (2, 1)]
    result = cli("runs", "base")
    assert runs[1].id in result.stdout
    assert result.stderr == f"2 runs are named 'base': this is the newest, {runs[1].id}\n"
    assert cli("runs", "base", "--quiet").stderr == ""


@pytest.mark.parametrize("reference", ["nothing", "latest~9", "best:flops", "./nowhere"])
def test_what_is_not_there_leaves_with_3(cli: Cli, workspace: Path, reference: str) -> None:
    make_run(workspace)
    assert cli("runs", reference).exit_code == 3


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_rows_fit_the_window(columns: int) -> None:
    row = [
        "20261122-120000-k3f9",
        "a name that somebody thought about for long",
        "interrupted",
        "12d",
        "my_model:build",
        "data.npz",
    ]
    table = fitted([HEADER, [*row, "100", "0.9912", "0.9911", "123 MB"]], columns)
    assert sum(max(map(len, column)) + 2 for column in zip(*table, strict=True)) - 2 <= columns
    assert table[0][0] == "ID"
    assert "STATUS" in table[0]
    if columns >= 80:
        assert {"NAME", "VAL ACC", "TEST ACC"} <= set(table[0])
    if columns == 200:
        assert tuple(table[0]) == HEADER


def test_a_terminal_shows_the_newest_fifty_and_says_so(workspace: Path) -> None:
    now = datetime.now(UTC)
    runs = [make_run(workspace, started=now - timedelta(minutes=60 - i), files=False) for i in range(53)]
    lines = shown_on_a_terminal(["runs"], 80)
    assert len(lines) == 1 + 50 + 1
    assert lines[1].startswith(runs[3].id)
    assert lines[-1] == "3 older ones are not shown: `tbcli runs --all`"
    assert len(shown_on_a_terminal(["runs", "--all"], 80)) == 1 + 53
    piped = subprocess.run([*TBCLI, "runs"], capture_output=True, text=True, check=True)
    assert len(piped.stdout.splitlines()) == 1 + 53


def test_status_has_a_colour_on_a_terminal_alone(workspace: Path) -> None:
    run = make_run(workspace)
    assert f"{run.id}  \x1b[32mfinished\x1b[0m  " in shown_on_a_terminal(["runs"], 100)[1]
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in "".join(shown_on_a_terminal(["runs"], 100, environ))


def test_a_thousand_runs_are_listed_within_half_a_second(cli: Cli, workspace: Path) -> None:
    for _ in range(1000):
        make_run(workspace, files=False)
    cli("runs")  # the first one imports
    began = time.process_time()
    assert len(cli("runs").stdout.splitlines()) == 1001
    assert time.process_time() - began < 0.4
