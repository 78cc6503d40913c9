from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from tbcli.cli.output import counted_bytes
from tbcli.readers import read_scalars
from tbcli.runs.owner import Owner
from tests.fakes import make_run
from tests.serving.events import write_scalars

Cli = Callable[..., Result]
TBCLI = [sys.executable, "-m", "tbcli"]


def on_a_terminal(words: list[str], typed: str, cwd: Path) -> tuple[int, str, str]:
    """Run ``tbcli`` with a terminal to ask on; return its exit code, its stdout and what the terminal showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*TBCLI, *words],
        cwd=cwd,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        text=True,
        start_new_session=True,
    )
    os.close(follower)
    os.write(leader, typed.encode())
    stdout, _ = process.communicate(timeout=60)
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:
        pass  # the other side is closed: all was read
    os.close(leader)
    return process.returncode, stdout, shown.decode()


def test_clean_prints_the_ids_and_tells_the_bytes(cli: Cli, workspace: Path) -> None:
    runs = [make_run(workspace) for _ in range(2)]
    size = sum(run.walk_bytes() for run in runs)
    result = cli("clean", *(run.id for run in runs), "--yes")
    assert result.exit_code == 0
    assert sorted(result.stdout.split()) == sorted(run.id for run in runs)
    assert f"2 runs moved to trash; {counted_bytes(size)} are freed when purged" in result.stderr
    assert "SIZE" in result.stderr
    assert not any(run.logs.exists() or run.plots.exists() or run.models.exists() for run in runs)


def test_clean_latest_takes_the_newest_only(cli: Cli, workspace: Path) -> None:
    old = make_run(workspace, started=datetime(2026, 1, 1, tzinfo=UTC))
    new = make_run(workspace)
    assert cli("clean", "latest", "--yes").stdout == f"{new.id}\n"
    assert old.logs.exists()


def test_clean_without_anything_said_is_wrong_usage(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    for words in ([], ["--yes"], ["--dry-run"], ["latest", "--all"], ["--older-than", "week"], ["--status", "done"]):
        result = cli("clean", *words)
        assert result.exit_code == 2, words
        assert len(result.stderr.splitlines()) == 2
    assert len(list((workspace / "logs").iterdir())) == 1


def test_clean_without_a_terminal_needs_yes(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    result = cli("clean", run.id)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--yes" in result.stderr.splitlines()[-1]
    assert run.logs.exists()


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "what\n"])
def test_clean_declined_is_refused(workspace: Path, answer: str) -> None:
    run = make_run(workspace)
    code, stdout, shown = on_a_terminal(["clean", "latest"], answer, workspace)
    assert (code, stdout) == (8, "")
    assert f"Remove 1 run with logs, plots and models ({counted_bytes(run.walk_bytes())})? [y/N]" in shown
    assert run.logs.exists()


def test_clean_confirmed_on_a_terminal_removes(workspace: Path) -> None:
    run = make_run(workspace)
    code, stdout, _ = on_a_terminal(["clean", "latest"], "y\n", workspace)
    assert (code, stdout) == (0, f"{run.id}\n")
    assert not run.logs.exists()


def test_dry_run_shows_and_keeps(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    result = cli("clean", "--all", "--dry-run")
    assert (result.exit_code, result.stdout) == (0, f"{run.id}\n")
    assert "Nothing was removed" in result.stderr
    assert run.saved_model.exists()


def test_nothing_selected_is_done_at_once(cli: Cli, workspace: Path) -> None:
    for words in (["--all"], ["--status", "failed"], ["--keep", "3"]):
        result = cli("clean", *words)
        assert (result.exit_code, result.stdout) == (0, "")
        assert "nothing to remove" in result.stderr
    make_run(workspace)
    assert cli("clean", "--keep", "1").exit_code == 0


def test_filters_of_the_command_line_narrow_each_other(cli: Cli, workspace: Path) -> None:
    now = datetime.now(UTC)
    runs = [make_run(workspace, status="failed", started=now - timedelta(days=days)) for days in (9, 8, 7, 1)]
    make_run(workspace, started=now - timedelta(days=30))
    words = ["--status", "failed", "--status", "diverged", "--older-than", "3d", "--keep", "1"]
    assert cli("clean", *words, "--yes").stdout.split() == [run.id for run in runs[:2]]


def test_a_live_run_is_refused_by_name_and_noted_by_all(cli: Cli, workspace: Path) -> None:
    owner = Owner.current()
    facts = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host}
    live, done = make_run(workspace, status="running", record=facts), make_run(workspace)
    assert cli("clean", live.id, done.id, "--yes").exit_code == 8
    assert done.logs.exists()
    result = cli("clean", "--all", "--yes")
    assert (result.exit_code, result.stdout) == (0, f"{done.id}\n")
    assert f"{live.id} is still training and stays" in result.stderr


def test_json_says_what_went(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    expected = {
        "schema": 1,
        "dry_run": True,
        "runs": [{"id": run.id, "bytes": run.walk_bytes()}],
        "bytes": run.walk_bytes(),
    }
    assert json.loads(cli("clean", "--all", "--dry-run", "--json").stdout) == expected
    assert json.loads(cli("clean", "--all", "--yes", "--json").stdout) == {**expected, "dry_run": False}
    assert json.loads(cli("clean", "--all", "--yes", "--json").stdout)["runs"] == []


def test_quiet_leaves_the_ids_alone(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    result = cli("clean", "--all", "--yes", "--quiet")
    assert (result.stdout, result.stderr) == (f"{run.id}\n", "")


def test_what_resists_is_said_and_the_rest_goes(cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [make_run(workspace) for _ in range(3)]
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: runs[1].id not in str(path) and allowed(path, mode))
    result = cli("clean", *(run.id for run in runs), "--yes")
    assert result.exit_code == 8
    assert set(result.stdout.split()) == {runs[0].id, runs[2].id}
    assert "1 of 3 runs could not be removed" in result.stderr
    assert "Permission denied" in result.stderr
    assert cli("runs", "--json").stdout.count('"id"') == 1


def test_a_reader_who_leaves_does_not_stop_the_removal(workspace: Path) -> None:
    for _ in range(20):
        make_run(workspace)
    command = f'"{sys.executable}" -m tbcli clean --all --yes | head -c 0; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "0\n"
    assert not list((workspace / "logs").iterdir())


def test_names_cannot_drive_the_terminal(cli: Cli, workspace: Path) -> None:
    make_run(workspace, record={"name": "x\x1b[2J\ny", "status": "\x1b[31mred"})
    result = cli("clean", "--all", "--dry-run")
    assert "\x1b" not in result.stderr
    assert len(result.stderr.splitlines()) == 3


def a_cache(workspace: Path, cache_home: Path) -> tuple[Path, Path]:
    """Return a log directory that was read once, and where what was kept of it lies."""
    logs = workspace / "elsewhere"
    write_scalars(logs / "run", {"loss": range(20_000)})
    read_scalars(logs)
    return logs, cache_home / "tbcli" / "events"


def test_clean_cache_forgets_what_was_read_and_touches_nothing_else(
    cli: Cli, workspace: Path, cache_home: Path
) -> None:
    logs, kept = a_cache(workspace, cache_home)
    run = make_run(workspace)
    size = sum(file.stat().st_size for file in kept.iterdir())
    shown = cli("clean", "--cache", "--dry-run")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert f"The cache takes {counted_bytes(size)}" in shown.stderr
    assert list(kept.iterdir())
    result = cli("clean", "--cache", "--json")
    assert json.loads(result.stdout) == {"schema": 1, "dry_run": False, "runs": [], "bytes": size}
    assert list(kept.iterdir()) == []
    assert run.logs.is_dir()
    assert len(read_scalars(logs)) == 20_000


def test_clean_cache_goes_with_runs(cli: Cli, workspace: Path, cache_home: Path) -> None:
    _, kept = a_cache(workspace, cache_home)
    run = make_run(workspace)
    result = cli("clean", run.id, "--cache", "--yes")
    assert (result.exit_code, result.stdout) == (0, f"{run.id}\n")
    assert list(kept.iterdir()) == []


def test_clean_cache_is_content_with_an_empty_one(cli: Cli) -> None:
    assert "The cache is empty, 0 B freed." in cli("clean", "--cache").stderr


def test_a_path_that_holds_several_runs_is_refused_with_their_list(cli: Cli, workspace: Path) -> None:
    runs = [make_run(workspace), make_run(workspace)]
    for path in ("./logs", "logs/"):
        result = cli("clean", path, "--yes")
        assert (result.exit_code, result.stdout) == (8, "")
        assert "holds 2 runs" in result.stderr
        assert all(run.id in result.stderr for run in runs)
    assert all(run.logs.is_dir() for run in runs)
