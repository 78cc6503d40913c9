from __future__ import annotations

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tbcli.cli.output import counted_bytes
from tbcli.cli.render.run_table import HEADER, fitted
from tbcli.runs import Run
from tbcli.runs.owner import Owner
from tests.fakes import SOME_MOMENT, make_run
from tests.serving.events import write_scalars

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
    assert json.loads(cli("runs", "--json").stdout) == {"schema": 2, "runs": [], "wreckage": []}
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
        "epochs", "val_accuracy", "test_accuracy", "metrics", "bytes", "task", "judge", "directory",
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
    assert result.stdout.startswith(f"{run.label}\n  status")
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
    assert document["schema"] == 2
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
@pytest.mark.parametrize("slug", ["", "-a-name-that-somebody-thought-about-for-lo"])
def test_rows_fit_the_window(columns: int, slug: str) -> None:
    row = [
        f"20261122-120000-k3f9{slug}",
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
        assert {"NAME", "BEST VAL ACC", "TEST ACC"} <= set(table[0])
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


@pytest.mark.slow
def test_a_thousand_runs_are_listed_within_half_a_second(cli: Cli, workspace: Path) -> None:
    for _ in range(1000):
        make_run(workspace, files=False)
    cli("runs")  # the first one imports
    began = time.process_time()
    assert len(cli("runs").stdout.splitlines()) == 1001
    assert time.process_time() - began < 0.4


def columns_of(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def three(workspace: Path) -> list[Run]:
    """Make runs whose best accuracies are .97, .99 and .98, with seeds 3, 1 and 2."""
    now = datetime.now(UTC)
    told = ((0.97, 3), (0.99, 1), (0.98, 2))
    return [
        make_run(workspace, started=now - timedelta(hours=9 - i), val_accuracy=best, settings={"train.seed": seed})
        for i, (best, seed) in enumerate(told)
    ]


def test_where_keeps_what_matches(cli: Cli, workspace: Path) -> None:
    runs = three(workspace)
    kept = json.loads(cli("runs", "--where", "val_accuracy>0.975 and seed=1", "--json").stdout)["runs"]
    assert [run["id"] for run in kept] == [runs[1].id]
    both = cli("runs", "--where", "val_accuracy>0.975", "--where", "train.seed<3")
    assert [row[0] for row in columns_of(both)[1:]] == [runs[1].id, runs[2].id]


def test_nothing_that_matches_is_said_and_is_no_failure(cli: Cli, workspace: Path) -> None:
    three(workspace)
    result = cli("runs", "--where", "val_accuracy>2")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no run matches\n")
    assert json.loads(cli("runs", "--where", "val_accuracy>2", "--json").stdout) == {
        "schema": 2,
        "runs": [],
        "wreckage": [],
    }


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["--sort", "val_accuracy"], [1, 2, 0]),
        (["--sort", "val_accuracy.best", "--reverse"], [0, 2, 1]),
        (["--sort", "val_loss"], [0, 1, 2]),
        (["--sort", "seed"], [1, 2, 0]),
        (["--sort", "train.seed", "--reverse"], [0, 2, 1]),
        (["--sort", "age"], [2, 1, 0]),
        (["--reverse"], [2, 1, 0]),
    ],
)
def test_metrics_sort_the_best_first_and_all_else_the_smallest(
    cli: Cli, workspace: Path, words: list[str], order: list[int]
) -> None:
    runs = three(workspace)
    assert [row[0] for row in columns_of(cli("runs", *words))[1:]] == [runs[i].id for i in order]


def test_what_has_no_value_stands_last_either_way(cli: Cli, workspace: Path) -> None:
    runs = three(workspace)
    lost = make_run(workspace, val_accuracy=float("nan"))
    for words in ([], ["--reverse"]):
        assert columns_of(cli("runs", "--sort", "val_accuracy.best", *words))[-1][0] == lost.id
    assert len(runs) == 3


def test_columns_may_be_any_metric_fact_or_setting(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, name="base", settings={"train.seed": 7}, started=datetime.now(UTC) - timedelta(hours=2))
    words = "id,name,status,age,bytes,val_loss.best,val_loss.epoch,train.seed,train.learning_rate,deterministic,note"
    header, row = columns_of(cli("runs", "--columns", words))
    assert header == words.split(",")
    size_ = counted_bytes(run.record["bytes"]).split()
    assert row == [run.id, "base", "finished", "1h", *size_, "0.0800", "3", "7", "0.002", "false", "-"]
    (kept,) = json.loads(cli("runs", "--columns", "id,val_loss.best,seed", "--json").stdout)["runs"]
    assert kept == {"id": run.id, "val_loss.best": 0.08, "seed": 7}
    assert cli("runs", "--columns", "id,seed,note", "--csv").stdout == f"id,seed,note\n{run.id},7,\n"


def regression(workspace: Path, **more: Any) -> Run:
    metrics = {"val_mae": {"best": 2.5, "best_epoch": 1, "last": 3.0}, "test_mae": 31_234.5}
    return make_run(workspace, record={"task": "regression", "metrics": metrics}, **more)


def test_the_table_leads_with_the_metric_of_the_task(cli: Cli, workspace: Path) -> None:
    regression(workspace)
    header, row = cli("runs").stdout.splitlines()
    assert header.split()[-6:] == ["BEST", "VAL", "MAE", "TEST", "MAE", "SIZE"]
    assert "TASK" not in header
    assert row.split()[-4:-2] == ["2.5000", "3.123e+04"]


def test_where_tasks_differ_each_value_says_what_it_is(cli: Cli, workspace: Path) -> None:
    regression(workspace)
    make_run(workspace, started=SOME_MOMENT + timedelta(minutes=1))
    make_run(workspace, started=SOME_MOMENT + timedelta(minutes=2), record={"task": None})
    header, values, classes, unknown = cli("runs").stdout.splitlines()
    assert header.split()[-6:] == ["TASK", "EPOCHS", "BEST", "VAL", "TEST", "SIZE"]
    assert "regression" in values
    assert "2.5000 mae" in values
    assert "0.9800 acc" in classes
    assert "0.98" not in unknown
    assert [json.loads(cli("runs", run, "--json").stdout)["run"]["judge"] for run in ("latest", "latest~2")] == [
        None,
        "mae",
    ]


def test_csv_has_stable_columns(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, name='a "name", quoted')
    (row,) = csv.DictReader(cli("runs", "--csv").stdout.splitlines())
    assert list(row) == [
        "id", "name", "note", "status", "started", "ended", "seconds", "age_seconds", "model", "data",
        "epochs", "val_accuracy.best", "test_accuracy", "bytes", "task", "judge", "directory",
    ]  # fmt: skip
    assert (row["id"], row["name"], row["val_accuracy.best"]) == (run.id, 'a "name", quoted', "0.98")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--where", "val_acuracy>0"], 3, "did you mean 'val_accuracy'?"),
        (["--sort", "sed"], 3, "did you mean 'seed'?"),
        (["--columns", "id,nothing"], 3, "no run has 'nothing'"),
        (["--where", "val_accuracy"], 2, "has no comparison"),
        (["--where", "val_accuracy>high"], 2, "is a number"),
        (["--columns", ""], 2, "not a name"),
        (["--csv", "--json"], 2, "do not go together"),
        (["--watch"], 2, "needs a terminal"),
        (["latest", "--csv"], 2, "for many runs"),
        (["latest", "--sort", "seed"], 2, "for many runs"),
    ],
)
def test_what_is_asked_wrongly_is_answered(cli: Cli, workspace: Path, words: list[str], code: int, told: str) -> None:
    three(workspace)
    result = cli("runs", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_tag_of_the_event_files_can_be_asked_for(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, files=False)
    write_scalars(run.logs / "train", {"gradients/dense 1": [3.0, 2.0]})
    result = cli("runs", "--where", '"gradients/dense 1"<2.5', "--columns", 'id,"train/gradients/dense 1"')
    assert columns_of(result)[1] == [run.id, "2.0000"]
    assert cli("check", run.id, '"gradients/dense 1".last=2').exit_code == 0


def test_a_directory_of_runs_is_listed_as_runs(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    assert columns_of(cli("runs", "logs/"))[1][0] == run.id


def running_run(workspace: Path, **facts: object) -> Run:
    owner = Owner.current()
    alive = {"pid": owner.pid, "pid_started": owner.pid_started, "host": owner.host, "metrics": None, "epochs": None}
    settings = {"train.epochs": 40}
    return make_run(
        workspace, status="running", record={**alive, **facts}, epochs=4, val_accuracy=0.9, settings=settings
    )


def test_a_run_that_trains_shows_what_its_epochs_have_reached_and_the_time_left(cli: Cli, workspace: Path) -> None:
    run = running_run(workspace)
    row = columns_of(cli("runs"))[1]
    assert (row[0], row[2], row[6], row[7], row[8]) == (run.id, "running", "4/40", "0.9000", "-")
    shown = cli("runs", run.id).stdout
    assert "is training" in shown
    assert "EPOCHS 1 TO 4" in shown
    left = re.search(r"\n  epochs +4/40, ([0-9]+) min [0-9]+ s left\n", shown)
    assert left
    assert 1 <= int(left[1]) <= 3  # 36 epochs of 5 s, begun when the history was last written


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_run_that_just_began_promises_no_time_it_cannot_know(cli: Cli, workspace: Path, epochs: int) -> None:
    run = running_run(workspace)
    lines = run.history_file.read_text().splitlines(keepends=True)
    run.history_file.write_text("".join(lines[: epochs and 1 + epochs]))
    shown = cli("runs", run.id).stdout
    assert f"{epochs}/40" in shown
    assert (" left\n" in shown) == (epochs == 1)


def test_a_run_that_failed_says_why_and_which_recorders_were_switched_off(cli: Cli, workspace: Path) -> None:
    off = {"projector": "no samples are held out", "mine": "ValueError: [red]odd\n\x1b[31m"}
    run = make_run(
        workspace,
        status="diverged",
        epochs=2,
        record={"reason": "training diverged: the loss is nan at step 7", "recording": {"switched_off": off}},
    )
    shown = cli("runs", run.id).stdout
    assert re.search(r"\n  reason +training diverged: the loss is nan at step 7\n", shown)
    assert re.search(r"\n  recorder projector +switched off: no samples are held out\n", shown)
    assert re.search(r"\n  recorder mine +switched off: ValueError: \[red\]odd ", shown)
    assert re.search(r"\n  epochs +2/5\n", shown)
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("ended_by", "shown"),
    [
        ("until", r'2/9, ended by --until "accuracy>0\.9 and loss<1"'),
        ("patience", "2/9, ended by --patience 1"),
        ("epochs", r'2/9, --until "accuracy>0\.9 and loss<1" never held'),
        (None, "2"),
    ],
)
def test_a_run_says_what_ended_it(cli: Cli, workspace: Path, ended_by: str | None, shown: str) -> None:
    settings = {"train.epochs": 9, "train.patience": 1, "train.until": "accuracy>0.9 and loss<1"}
    make_run(workspace, epochs=2, settings=settings, record={"ended_by": ended_by} if ended_by else {})
    assert re.search(rf"\n  epochs +{shown}\n", cli("runs", "latest").stdout)
    found = cli("runs", "--quiet", "--where", "ended_by=until").stdout
    assert bool(found.strip()) == (ended_by == "until")


def test_a_run_whose_process_is_gone_says_so(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, status="running", record={"pid": 2**22 + 1, "epochs": None})
    assert "its process ended without a final record" in cli("runs", run.id).stdout


@pytest.mark.parametrize("formats", [{"val_loss": "bfloat16", "test_loss": "float32"}, {"val_loss": "float32"}, None])
def test_values_measured_in_different_formats_are_told_apart(cli: Cli, workspace: Path, formats: object) -> None:
    run = make_run(workspace, record={"measured_in": formats})
    shown = cli("runs", run.id).stdout
    assert ("MEASURED IN" in shown) == (formats is not None and len(formats) > 1)  # type: ignore[arg-type]
    if "MEASURED IN" in shown:
        rows = {line.split()[0]: line.split()[4] for line in shown.splitlines() if line.startswith(("val_l", "test_"))}
        assert rows == {"val_loss": "bfloat16", "test_loss": "float32", "test_accuracy": "-"}


def test_a_run_in_full_draws_the_course_of_each_metric(cli: Cli, workspace: Path) -> None:
    make_run(workspace, epochs=8)
    lines = cli("runs", "latest").stdout.splitlines()
    course = {
        line.split()[0]: line.split()[-1] for line in lines if line.split() and line.split()[0] in ("loss", "accuracy")
    }
    assert course == {"loss": "█▇▆▅▄▃▂▁", "accuracy": "▁▂▃▄▅▆▇█"}


def test_a_run_is_watched_until_it_ends(workspace: Path) -> None:
    run = make_run(workspace, name="watched")
    shown = "\n".join(shown_on_a_terminal(["runs", "watched", "--watch"], 80))
    assert run.label in shown
    assert "FILES" not in shown


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_watching_all_runs_ends_well_by_a_signal(workspace: Path, signal_number: int) -> None:
    run = make_run(workspace)
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    argv = [*TBCLI, "runs", "--watch"]
    with subprocess.Popen(argv, stdin=follower, stdout=follower, stderr=follower, env=env) as process:
        os.close(follower)
        shown = b""
        while run.id.encode() not in shown:
            shown += os.read(leader, 65536)
        process.send_signal(signal_number)
        assert process.wait(20) == 0
    os.close(leader)


def test_a_truncated_record_is_warned_of_wherever_it_would_be_missed(cli: Cli, workspace: Path) -> None:
    whole, torn = make_run(workspace, name="whole"), make_run(workspace, name="torn")
    torn.record_file.write_bytes(torn.record_file.read_bytes()[:50])
    told = f"warning: 'logs/{torn.id}' is left out: its run.json is damaged"
    for words in ((), ("--json",), ("--csv",), ("--columns", "id"), ("best",), ("logs/",), ("--quiet",)):
        result = cli("runs", *words)
        assert result.exit_code == 0
        assert whole.id in result.stdout
        assert result.stderr.count("is left out") == 1, words
    assert told in cli("runs").stderr
    for words in (("runs", "torn"), ("runs", torn.id), ("runs", "--where", "nothing<1"), ("check", "torn", "loss<1")):
        result = cli(*words)
        assert result.exit_code == 3
        assert told in result.stderr
    assert cli("runs", "--where", "loss<9").stderr.count("is left out") == 1
    assert cli("compare", "--group-by", "model").stderr.count("is left out") == 1


def test_a_workspace_of_damaged_runs_alone_is_not_called_empty_without_a_word(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace)
    run.record_file.write_text("[" * 100_000)
    assert "its run.json is damaged" in cli("runs").stderr
    assert "left over: 1 damaged run" in cli("runs").stderr
    assert "its run.json is damaged" in cli("runs", "./logs").stderr
    assert "its run.json is damaged" in cli("runs", f"logs/{run.id}").stderr


def test_garbage_among_a_run_s_own_files_is_warned_of(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, record={"epochs": "x", "seconds": True})
    run.config_file.write_text("[")
    run.history_file.write_bytes(b"\xff\xfe\x00")
    for words in (("runs", run.id), ("check", run.id, "loss<1"), ("compare", run.id, "--group-by", "model")):
        told = cli(*words).stderr
        for text in ("history.csv' is damaged", "config.json' is damaged", "epochs should be a number, and is 'x'"):
            assert text in told, words
        assert told.count("warning:") == 4


def test_what_stands_in_the_place_of_a_number_is_shown_as_none(cli: Cli, workspace: Path) -> None:
    run = make_run(workspace, record={"epochs": "x", "seconds": True})
    (told,) = json.loads(cli("runs", "--json").stdout)["runs"]
    assert (told["epochs"], told["seconds"]) == (None, None)
    assert cli("runs", "--csv", "--columns", "id,val_accuracy").stdout.splitlines()[1] == f"{run.id},0.98"
    assert cli("runs").stdout.splitlines()[1].split()[6] == "-"
    assert "  epochs  " not in cli("runs", run.id).stdout.partition("METRIC")[0]
    assert cli("check", run.id, "epoch<=20").exit_code == 3


def test_a_log_directory_that_cannot_be_read_is_not_an_empty_one(cli: Cli, workspace: Path) -> None:
    (workspace / "circle").symlink_to("circle")
    (workspace / "file").write_text("")
    for logdir in ("circle", "file"):
        for words in (("runs",), ("runs", "--json"), ("runs", "latest"), ("clean", "--older-than", "1d", "--yes")):
            result = cli(*words, "--logdir", logdir)
            assert (result.exit_code, result.stdout) == (3, "")
            happened, hint = result.stderr.splitlines()
            assert f"cannot read the log directory {logdir!r}" in happened
            assert hint.startswith("try:")


def test_a_directory_of_the_name_that_no_run_has_is_pointed_at(cli: Cli, workspace: Path) -> None:
    (workspace / "torch_logs").mkdir()
    assert "`./torch_logs` names the directory" in cli("runs", "torch_logs").stderr
    make_run(workspace, name="torch_log")
    result = cli("runs", "torch_logs")
    assert (result.exit_code, len(result.stderr.splitlines())) == (3, 2)
    assert "`./torch_logs` names the directory" in result.stderr


def test_a_bare_learning_rate_is_the_last_of_its_course_and_the_setting_has_its_section(
    cli: Cli, workspace: Path
) -> None:
    run = make_run(workspace, settings={"train.learning_rate": 0.5})
    words = "learning_rate,learning_rate.last,train.learning_rate"
    assert cli("runs", "--csv", "--columns", words).stdout.splitlines()[1] == "0.001,0.001,0.5"
    assert cli("check", run.id, "learning_rate<0.01", "train.learning_rate=0.5").exit_code == 0
    run.history_file.unlink()
    assert cli("check", run.id, "learning_rate.last<0.01").exit_code == 3


@pytest.mark.parametrize(
    ("condition", "found", "note"),
    [
        ("learning_rate=0.5", 1, "in --where is the setting 'train.learning_rate'; the metric is 'learning_rate.last'"),
        ("lr=0.5", 1, "in --where is the setting 'train.learning_rate'; the metric is 'lr.last'"),
        ("lr=0.001", 0, "in --where is the setting"),
        ("lr.last=0.001", 2, ""),
        ("loss<9", 2, "'loss' is the last value"),
        ("loss=huber", 1, "'loss' is the last value"),
        ("bs=16 and epochs=3", 1, ""),
    ],
)
def test_runs_are_chosen_by_what_they_were_set_to(
    cli: Cli, workspace: Path, condition: str, found: int, note: str
) -> None:
    make_run(workspace, settings={"train.learning_rate": 0.5, "train.loss": "huber", "train.batch_size": 16})
    make_run(workspace, settings={"train.learning_rate": 0.1, "train.batch_size": 32})
    result = cli("runs", "--where", condition, "--json")
    assert len(json.loads(result.stdout)["runs"]) == found
    assert note in result.stderr
    assert bool(note) == bool(result.stderr)
    grouped = cli("compare", "--group-by", "lr")
    assert "lr=0.5" in grouped.stdout
    assert "lr=0.1" in grouped.stdout


def test_why_trials_have_failed_is_told_once_for_all_of_one_reason(cli: Cli, workspace: Path) -> None:
    for trial, (status, reason) in enumerate(
        [("finished", ""), ("failed", "no\nidea"), ("failed", "no"), ("pruned", "slow")]
    ):
        record = {"sweep": {"name": "s", "trial": trial}, "reason": reason}
        make_run(workspace, started=datetime(2026, 11, 26, 10, 0, trial, tzinfo=UTC), status=status, record=record)
    result = cli("runs", "--sweep", "s")
    assert "trials 1, 2 failed: no\ntrial 3 pruned: slow\n" in result.stderr
    assert len(result.stdout.splitlines()) == 5


def test_a_record_of_another_tool_is_no_damage(cli: Cli, workspace: Path) -> None:
    make_run(workspace)
    (workspace / "logs" / "wandb").mkdir()
    (workspace / "logs" / "wandb" / "run.json").write_text('{"id": 3}')
    (workspace / "logs" / "20261122-120000-abcd").mkdir()  # one that is being made this moment
    assert cli("runs").stderr == ""
    (workspace / "logs" / "20261122-120000-abcd" / "run.json").write_text('{"id": "20261122-120000-abcd"}')
    assert "not the record of this run" in cli("runs").stderr


def test_a_resumed_run_shows_when_and_with_what_changes(cli: Cli, workspace: Path) -> None:
    changes = [{"at": "now", "epoch": 3, "changes": {"train.epochs": [3, 5], "train.seed": [0, 1]}}]
    run = make_run(workspace, record={"resumed": [{"step": 34, "at": "2026-11-26T06:00:00Z"}], "changes": changes})
    shown = cli("runs", "latest").stdout
    assert "after step 34 (2026-11-26T06:00:00Z)" in shown
    assert "train.epochs 5 instead of 3 after epoch 3, train.seed 1 instead of 0 after epoch 3" in shown
    run.update(resumed=[7, {}], changes=[7, {"changes": {"x": 3, "y": [1]}}, {"changes": 3}])
    assert cli("runs", "latest").exit_code == 0


def test_a_learning_rate_that_was_scaled_and_workers_that_differed_are_shown(cli: Cli, workspace: Path) -> None:
    differ = {"step": 7, "what": "'dense/kernel' differs by 1.0e-01 of its largest value"}
    run = make_run(workspace, record={"shares": 2, "scaled_learning_rate": 0.004, "workers_differ": differ})
    shown = cli("runs", run.id).stdout
    assert re.search(r"learning rate +0\.004, that of the settings times 2 devices", shown)
    assert re.search(r"workers differed +after step 7: 'dense/kernel' differs", shown)
