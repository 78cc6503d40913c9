"""``tbcli runs`` and its sisters over a log directory of somebody else's."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.cli.test_runs import shown_on_a_terminal
from tests.serving.events import write_hparams, write_scalars

Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def foreign(workspace: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs of three points each, and one that has never had a number."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    top = workspace / "lightning logs"
    write_scalars(top / "version_0" / "train", {"loss": [0.5, 0.3, 0.4], "val acc/top 1": [0.6, 0.9, 0.8]})
    write_scalars(top / "version_1" / "train", {"loss": [0.5, 0.2, 0.1]})
    write_scalars(top / "lost", {"loss": [math.nan, math.nan, math.nan]})
    return top


def cells(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_runs_tags_and_last_values_are_listed(cli: Cli) -> None:
    result = cli("runs", "./lightning logs")
    assert cells(result) == [
        ["RUN", "METRIC", "TAG", "KIND", "POINTS", "STEP", "LAST"],
        ["lost", "loss", "loss", "scalars", "3", "3", "nan"],
        ["version_0/train", "loss", "loss", "scalars", "3", "3", "0.4000"],
        ["version_0/train", "val_acc/top", "1", "val", "acc/top", "1", "scalars", "3", "3", "0.8000"],
        ["version_1/train", "loss", "loss", "scalars", "3", "3", "0.1000"],
    ]
    assert result.stderr.startswith("3 runs, 4 tags, 3 event files, ")


def test_it_is_filtered_sorted_and_put_in_columns_as_runs_of_ours_are(cli: Cli) -> None:
    assert {row[0] for row in cells(cli("runs", "./lightning logs", "--where", "loss<0.3"))[1:]} == {"version_1/train"}
    in_order = cells(cli("runs", "./lightning logs", "--sort", "loss.best", "--columns", "id,loss.best,loss.epoch"))
    assert in_order == [
        ["id", "loss.best", "loss.epoch"],
        ["lightning", "logs/version_1/train", "0.1000", "3"],
        ["lightning", "logs/version_0/train", "0.3000", "2"],
        ["lightning", "logs/lost", "nan", "nan"],
    ]
    assert cli("runs", "./lightning logs", "--where", "los<0.3").exit_code == 3


def test_json_and_csv_hold_every_tag(cli: Cli) -> None:
    lost, first, _ = json.loads(cli("runs", "./lightning logs", "--json").stdout, parse_constant=pytest.fail)["runs"]
    assert lost["tags"][0]["last"] is None
    assert first["run"] == "version_0/train"
    assert first["tags"][0] == {
        "metric": "loss", "split": None, "unit": None, "directory": "version_0/train",
        "tag": "loss", "kind": "scalars", "points": 3, "bytes": None, "step": 3, "wall_time": 1_795_000_003.0,
        "last": pytest.approx(0.4), "best": pytest.approx(0.3), "best_step": 2,
    }  # fmt: skip
    rows = list(csv.DictReader(cli("runs", "./lightning logs", "--csv").stdout.splitlines()))
    assert [(row["run"], row["tag"]) for row in rows] == [
        ("lost", "loss"),
        ("version_0/train", "loss"),
        ("version_0/train", "val acc/top 1"),
        ("version_1/train", "loss"),
    ]


def test_damage_is_said_and_the_rest_is_shown(cli: Cli, foreign: Path) -> None:
    (path,) = (foreign / "version_1" / "train").iterdir()
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    result = cli("runs", "./lightning logs")
    assert result.exit_code == 0
    assert ["version_1/train", "loss", "loss", "scalars", "2", "2", "0.2000"] in cells(result)
    assert result.stderr.startswith("warning: ")
    assert path.name in result.stderr


def test_nothing_to_read_leaves_with_3(cli: Cli, workspace: Path) -> None:
    (workspace / "empty").mkdir()
    for command in (["runs", "./empty"], ["check", "./empty", "loss<1"], ["runs", "./nowhere"]):
        result = cli(*command)
        assert (result.exit_code, result.stdout) == (3, "")
        assert len(result.stderr.splitlines()) == 2


def test_gates_judge_any_log_directory(cli: Cli) -> None:
    for gate in ('"val acc/top 1".best>0.89', '"train/val acc/top 1".best>0.89', '"val_acc/top 1".best>0.89'):
        result = cli("check", "./lightning logs/version_0", gate)
        assert result.exit_code == 0
        assert "at step 2" in result.stdout
    assert cli("check", "./lightning logs/version_0", "loss.best>0.35").exit_code == 7


def test_every_run_in_a_path_has_to_pass(cli: Cli, foreign: Path) -> None:
    assert cli("check", "./lightning logs", "loss<9").exit_code == 7  # one is not a number
    for path in (foreign / "lost").iterdir():
        path.unlink()
    assert cli("check", "./lightning logs", "loss<9").exit_code == 0
    assert cli("check", "./lightning logs", "loss<0.2").exit_code == 7


def test_log_directories_are_compared(cli: Cli, foreign: Path) -> None:
    for name, size in (("version_0", 32.0), ("version_1", 64.0)):
        write_hparams(foreign / name / "hparams", size)
    words = ["compare", "./lightning logs/version_0", "./lightning logs/version_1"]
    document = json.loads(cli(*words, "--json").stdout)
    best = next(row for row in document["metrics"] if (row["metric"], row["at"]) == ("loss", "best"))
    assert best["best"] == "lightning logs/version_1/train"
    assert document["settings"] == [
        {
            "key": "batch_size",
            "values": {"lightning logs/version_0/train": "32", "lightning logs/version_1/train": "64"},
        }
    ]
    assert [side["n"] for side in json.loads(cli(*words, "--group-by", "batch_size", "--json").stdout)["sides"]] == [
        1,
        1,
    ]


def test_a_single_event_file_will_do(cli: Cli, foreign: Path) -> None:
    (path,) = (foreign / "version_1" / "train").iterdir()
    assert cells(cli("runs", str(path)))[1][1:] == ["loss", "loss", "scalars", "3", "3", "0.1000"]
    assert cli("check", str(path), "loss<0.2").exit_code == 0
    assert cli("compare", str(path), str(foreign / "lost")).exit_code == 0


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_rows_fit_the_window(foreign: Path, columns: int) -> None:
    write_scalars(foreign / "a run with a long name" / "and another" / "below it", {"some/metric/far/down": [1.0]})
    lines = shown_on_a_terminal(["runs", "./lightning logs"], columns)
    assert max(map(len, lines)) <= columns
    assert ("KIND" in lines[0]) == (columns == 200)
    assert any("below it" in line and "far/down" in line for line in lines)


def test_the_names_that_its_table_shows_are_columns(cli: Cli) -> None:
    result = cli("runs", "./lightning logs", "--columns", "run,tag,LAST", "--where", "loss.best<0.3")
    assert cells(result) == [["run", "tag", "LAST"], ["version_1/train", "loss", "0.1000"]]
    (_, entry, *_) = json.loads(cli("runs", "./lightning logs", "--columns", "tag,points", "--json").stdout)["runs"]
    assert entry == {"tag": "loss", "points": 3}
    rows = cli("runs", "./lightning logs", "--columns", "run,best_step", "--csv").stdout.splitlines()
    assert rows[:2] == ["run,best_step", "lost,"]
    mixed = cells(cli("runs", "./lightning logs", "--columns", "run,loss.best", "--sort", "loss.best"))
    assert mixed[:2] == [["run", "loss.best"], ["version_1/train", "0.1000"]]


def test_a_best_that_rests_on_a_guess_is_said(cli: Cli, workspace: Path) -> None:
    write_scalars(workspace / "a", {"quux": [1.0, 3.0], "loss": [1.0, 0.5]})
    result = cli("runs", "./a", "--sort", "quux.best", "--columns", "run,quux.best,loss.best")
    assert "the best of quux (higher is better: guessed)" in result.stderr
    assert "loss" not in result.stderr
    assert "guessed" not in cli("runs", "./a", "--sort", "quux.best", "--set", "direction.quux=min").stderr


def test_an_order_that_rests_on_a_guess_is_said(cli: Cli, workspace: Path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        write_scalars(workspace / "odd" / name, {"wobbliness": [value]})
    result = cli("runs", "./odd", "--sort", "wobbliness", "--columns", "run")
    assert result.stdout.split() == ["run", "b", "a"]
    assert "(higher is better: guessed)" in result.stderr
    told = cli("runs", "./odd", "--sort", "wobbliness", "--columns", "run", "--set", "direction.wobbliness=min")
    assert (told.stdout.split(), told.stderr) == (["run", "a", "b"], "")


def test_a_path_that_is_one_run_is_called_by_its_directory_in_table_and_document(cli: Cli, workspace: Path) -> None:
    write_scalars(workspace / "alone", {"loss": [1.0]})
    assert cells(cli("runs", "./alone"))[1][0] == "alone"
    (run,) = json.loads(cli("runs", "./alone", "--json").stdout)["runs"]
    assert (run["run"], run["id"]) == ("alone", "alone")
    assert cli("runs", "./alone", "--csv").stdout.splitlines()[1].startswith("alone,loss,")
