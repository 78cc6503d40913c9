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


def trashed(workspace: Path) -> list[str]:
    place = workspace / ".tbcli-trash"
    return sorted(entry.name.partition("@")[0] for entry in place.iterdir()) if place.exists() else []


def test_what_went_to_the_trash_is_listed_and_comes_back(cli: Cli, workspace: Path) -> None:
    runs = [make_run(workspace, name="first"), make_run(workspace, record={"name": "second\x1b[2J"})]
    cli("clean", "--all", "--yes")
    assert trashed(workspace) == sorted(run.id for run in runs)
    listed = cli("clean", "--restore")
    assert listed.exit_code == 0
    assert len(listed.stdout.splitlines()) == 3
    assert "\x1b" not in listed.stdout
    document = json.loads(cli("clean", "--restore", "--json").stdout)
    assert {each["id"]: each["bytes"] for each in document["runs"]}.keys() == {run.id for run in runs}
    restored = cli("clean", "--restore", "first")
    assert (restored.exit_code, restored.stdout) == (0, f"{runs[0].id}\n")
    assert runs[0].saved_model.exists()
    assert cli("clean", "--restore", runs[0].id).exit_code == 3
    assert cli("clean", "--restore", "--all").stdout == f"{runs[1].id}\n"
    assert "The trash is empty." in cli("clean", "--restore").stderr


def test_a_run_of_that_id_is_never_written_over(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    cli("clean", run.id, "--yes")
    run.logs.mkdir()
    result = cli("clean", "--restore", run.id)
    assert (result.exit_code, result.stdout) == (8, "")
    assert "exists already" in result.stderr
    assert trashed(workspace) == [run.id]


def test_purge_empties_the_trash(cli: Cli, workspace: Path) -> None:
    runs = [make_run(workspace) for _ in range(3)]
    cli("clean", "--all", "--yes")
    assert cli("clean", "--purge").exit_code == 2  # nobody can be asked
    assert cli("clean", "--purge", "--older-than", "1d", "--yes").stdout == ""
    shown = cli("clean", "--purge", "--dry-run", "--json")
    size = json.loads(shown.stdout)["bytes"]
    assert size == sum(run.number("bytes") or 0 for run in runs) or size > 9000
    assert cli("clean", "--purge", runs[0].id, "--yes").stdout == f"{runs[0].id}\n"
    gone = cli("clean", "--purge", "--yes", "--json")
    assert {each["id"] for each in json.loads(gone.stdout)["runs"]} == {run.id for run in runs[1:]}
    assert trashed(workspace) == []


def test_what_lay_long_in_the_trash_goes_at_the_next_clean(cli: Cli, workspace: Path) -> None:
    old, new = make_run(workspace), make_run(workspace)
    cli("clean", old.id, "--yes")
    days = ["--set", "clean.trash_days=1e-9"]
    assert "would go for good" in cli("clean", new.id, "--dry-run", *days).stderr
    assert trashed(workspace) == [old.id]
    result = cli("clean", new.id, "--yes", *days)
    assert result.stdout == f"{new.id}\n"
    assert trashed(workspace) == [new.id]
    assert "in the trash for 1e-09 days or more went for good" in result.stderr


@pytest.mark.parametrize("words", [["--permanent"], ["--set", "clean.trash_days=0"]])
def test_without_a_trash_runs_go_at_once(cli: Cli, workspace: Path, words: list[str]) -> None:
    run = make_run(workspace)
    size = run.walk_bytes()
    result = cli("clean", run.id, "--yes", *words)
    assert (result.exit_code, result.stdout) == (0, f"{run.id}\n")
    assert f"Freed {counted_bytes(size)}." in result.stderr
    assert not (workspace / ".tbcli-trash").exists()


def test_where_selects_as_runs_does(cli: Cli, workspace: Path) -> None:
    good, bad = make_run(workspace, val_accuracy=0.99), make_run(workspace, val_accuracy=0.5)
    assert cli("clean", "--where", "val_accuracy<0.9", "--dry-run").stdout == f"{bad.id}\n"
    assert cli("clean", good.id, "--where", "val_accuracy<0.9", "--dry-run").stdout == ""
    assert cli("clean", "--where", "nonsense<0.9", "--yes").exit_code == 3
    assert good.logs.exists()


def test_keep_best_keeps_within_each_task_and_data(cli: Cli, workspace: Path) -> None:
    runs = [make_run(workspace, val_accuracy=value) for value in (0.7, 0.9, 0.8)]
    other = make_run(workspace, val_accuracy=0.1, record={"data": "other"})
    unknown = make_run(workspace, val_accuracy=0.1, record={"data": "", "evaluation_data": {}})
    lacking = make_run(workspace, record={"metrics": {"test_loss": 1.0}})
    result = cli("clean", "--keep-best", "1", "--metric", "test_accuracy", "--dry-run")
    assert set(result.stdout.split()) == {runs[0].id, runs[2].id}
    assert "1 run on unknown data kept" in result.stderr
    assert "1 run without test_accuracy kept" in result.stderr
    assert {other.id, unknown.id, lacking.id}.isdisjoint(result.stdout.split())
    lower = cli("clean", "--keep-best", "2", "--metric", "test_loss", "--keep", "4", "--dry-run")
    assert lower.exit_code == 0
    for words in (["--keep-best", "1"], ["--metric", "val_loss", "--all"]):
        assert cli("clean", *words, "--dry-run").exit_code == 2
    assert cli("clean", "--keep-best", "1", "--metric", "nothing_loss", "--yes").exit_code == 3


def test_options_of_different_tasks_exclude_each_other(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    for words in (
        ["--restore", "--purge"], ["--restore", "--permanent"], ["--purge", "--status", "failed"],
        ["--slim", "images", "--permanent", "--all"], ["--damaged", "--all"], ["--damaged", "--where", "x>1"],
        ["--slim", "images"], ["--slim", "pictures", "--all"], ["--restore", "--slim", "images"],
    ):  # fmt: skip
        result = cli("clean", *words, "--yes")
        assert result.exit_code == 2, words
        assert len(result.stderr.splitlines()) == 2
    assert run.logs.exists()


def test_slim_keeps_the_run_and_says_what_it_frees(cli: Cli, workspace: Path) -> None:
    run, plain = make_run(workspace), make_run(workspace)
    run.checkpoints.mkdir()
    (run.checkpoints / "step-1.state").write_bytes(b"x" * 5000)
    before = run.walk_bytes()
    assert "nothing to slim" in cli("clean", "--all", "--slim", "images", "--yes").stderr
    said = cli("clean", "--all", "--slim", "checkpoints", "--dry-run").stderr
    assert "would be freed. A slimmed run cannot be resumed." in said
    shown = json.loads(cli("clean", "--all", "--slim", "checkpoints,images", "--dry-run", "--json").stdout)
    assert run.checkpoints.exists()
    result = cli("clean", "--all", "--slim", "checkpoints,images", "--yes")
    assert (result.exit_code, result.stdout) == (0, f"{run.id}\n")
    assert shown["bytes"] == before - run.walk_bytes() > 4000
    assert plain.logs.exists()
    assert "nothing to slim" in cli("clean", "--all", "--slim", "checkpoints", "--yes").stderr


def test_what_is_damaged_is_shown_and_goes(cli: Cli, workspace: Path) -> None:
    sound, broken = make_run(workspace), make_run(workspace)
    broken.record_file.write_text("{")
    for path in (broken.logs, broken.heartbeat_file):
        os.utime(path, (1e9, 1e9))
    shown = cli("clean", "--damaged", "--dry-run")
    assert (shown.exit_code, shown.stdout) == (0, f"{broken.id}\n")
    assert "WHY" in shown.stderr
    assert cli("clean", "--damaged", "--yes").stdout == f"{broken.id}\n"
    assert trashed(workspace) == [broken.id]
    assert sound.logs.exists()
    assert "Nothing is damaged" in cli("clean", "--damaged", "--yes").stderr
