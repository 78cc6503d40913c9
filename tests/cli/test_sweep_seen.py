"""How commands that read show the runs of a sweep."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from tests.cli.test_runs import shown_on_a_terminal
from tests.fakes import SOME_MOMENT, make_run, make_trial

Cli = Callable[..., Result]
RATE, OPTIMIZER = "train.learning_rate", "train.optimizer"


def make_sweep(workspace: Path, sweep: str = "s", **known: object) -> None:
    """Make four trials that began in the wrong order, as those of several workers do, and a run beside them."""
    for number, (rate, optimizer) in enumerate((rate, each) for rate in (0.1, 0.001) for each in ("adam", "sgd")):
        started = SOME_MOMENT - timedelta(seconds=number)
        make_trial(
            workspace, number, {RATE: rate, OPTIMIZER: optimizer}, sweep=sweep, started=started, files=False,
            val_accuracy=0.9 + 0.01 * number, **known,
        )  # fmt: skip


def cells_of(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_the_table_of_a_sweep_has_what_varies_and_its_metric_in_the_order_of_trials(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace)
    make_run(workspace, name="beside", files=False)
    header, *rows = cells_of(cli("runs", "--sweep", "s"))
    titles = ["trial", "status", "learning_rate", "optimizer", "val_accuracy"]
    places = [[word.lower() for word in header].index(title) for title in titles]
    beside_size = [[row[i] for i in [place + (place > 5) for place in places]] for row in rows]  # "1 kB" is two words
    assert beside_size == [
        ["0", "finished", "0.1", "adam", "0.9000"],
        ["1", "finished", "0.1", "sgd", "0.9100"],
        ["2", "finished", "0.001", "adam", "0.9200"],
        ["3", "finished", "0.001", "sgd", "0.9300"],
    ]
    best_first = [row[1] for row in cells_of(cli("runs", "--sweep", "s", "--sort", "val_accuracy"))[1:]]
    assert best_first == ["3", "2", "1", "0"]
    assert "learning_rate" not in cli("runs").stdout


def test_seeds_are_a_column_and_a_trial_that_failed_reached_nothing(cli: Cli, workspace: Path) -> None:
    make_trial(workspace, 0, {RATE: 0.1}, seed=7)
    make_trial(workspace, 1, {RATE: 0.1}, seed=8, status="failed", epochs=0)
    header, first, second = cells_of(cli("runs", "--sweep", "latest"))
    assert header[-3:] == ["learning_rate", "seed", "val_accuracy"]
    assert first[-3:] == ["0.1", "7", "0.9800"]
    assert second[-3:] == ["0.1", "8", "-"]


def test_csv_and_json_of_a_sweep_hold_the_same_in_the_same_order(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace)
    rows = list(csv.DictReader(cli("runs", "--sweep", "s", "--csv").stdout.splitlines()))
    runs = json.loads(cli("runs", "--sweep", "s", "--json").stdout)["runs"]
    told = [(run["sweep"]["trial"], run["sweep"]["params"][RATE], run["sweep"]["value"]) for run in runs]
    assert [(int(row["trial"]), float(row[RATE]), float(row["val_accuracy"])) for row in rows] == told
    assert [trial for trial, *_ in told] == [0, 1, 2, 3]
    assert [row["id"] for row in rows] == [run["id"] for run in runs]


def test_sweep_and_trial_are_facts(cli: Cli, workspace: Path) -> None:
    make_sweep(workspace)
    make_sweep(workspace, "two words")
    alone = make_run(workspace, name="alone", files=False)
    rows = cells_of(cli("runs", "--where", 'sweep="two words" and trial>1', "--columns", "trial,sweep"))
    assert rows == [["trial", "sweep"], ["3", "two", "words"], ["2", "two", "words"]]
    last = [row for row in cells_of(cli("runs", "--columns", "id,sweep,trial")) if row[0] == alone.id]
    assert last == [[alone.id, "-", "-"]]


@pytest.mark.parametrize("columns", [80, 140])
def test_a_narrow_window_loses_facts_and_no_settings(workspace: Path, columns: int) -> None:
    make_sweep(workspace)
    header, *rows = shown_on_a_terminal(["runs", "--sweep", "s", "--workspace", str(workspace)], columns)
    assert header.split()[-3:] == ["learning_rate", "optimizer", "val_accuracy"]
    assert len(rows) == 4
    assert len(header) <= columns
