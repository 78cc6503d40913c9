"""Runs are ranked and judged against each other only where they learnt the same and saw the same samples."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tbcli.comparison import compare_sides
from tbcli.config import PathsConfig
from tbcli.grouping import Side
from tbcli.runs import Run, RunStore
from tbcli.runs.comparable import notes_on_differences, what_differs
from tbcli.runs.run_summary import summary_of
from tbcli.runs.summary import Metric, Summary
from tests.fakes import SOME_MOMENT, make_run


def summary(name: str = "a", *, data: str = "mnist", task: str = "classification", **prints: str) -> Summary:
    metrics = {
        each: Metric(value, 1, value, split=split)
        for each, split, value in (("loss", "train", 0.5), ("val_loss", "validation", 0.4), ("test_loss", "test", 0.3))
    }
    return Summary(name, name, metrics, data=data, task=task, fingerprints=prints)


@pytest.mark.parametrize(
    ("one", "other", "metric", "expected"),
    [
        ({}, {}, "val_loss", ""),
        ({"task": "regression"}, {}, "val_loss", "tasks"),
        ({"task": ""}, {}, "val_loss", ""),
        ({"data": "photos"}, {}, "val_loss", "data"),
        ({"data": ""}, {}, "val_loss", ""),
        ({"validation": "1", "test": "9"}, {"validation": "1", "test": "8"}, "val_loss", ""),
        ({"validation": "1", "test": "9"}, {"validation": "1", "test": "8"}, "test_loss", "data"),
        ({"train": "1"}, {"train": "2"}, "loss", "data"),
        ({"data": "photos", "validation": "1"}, {"validation": "1"}, "val_loss", ""),  # the same under another name
        ({"validation": "1"}, {}, "val_loss", ""),
    ],
)
def test_the_split_of_a_metric_decides(one: dict[str, str], other: dict[str, str], metric: str, expected: str) -> None:
    assert what_differs(summary(**one), summary(**other), metric) == expected
    assert what_differs(summary(**other), summary(**one), metric) == expected


def test_what_only_one_run_tells_is_a_difference_where_they_are_ranked() -> None:
    assert what_differs(summary(data=""), summary(), "val_loss", strict=True) == "data"
    assert what_differs(summary(task=""), summary(), "val_loss", strict=True) == "tasks"


def test_each_difference_is_a_sentence() -> None:
    sides = [("A", [summary(data="mnist")]), ("B", [summary(data="photos", task="regression")])]
    assert notes_on_differences(sides) == [
        "the tasks differ, so the metrics may not be comparable: A: classification; B: regression",
        "the data differ, so the metrics may not be comparable: A: mnist; B: photos",
    ]
    same_name = [("A", [summary(train="1", validation="2")]), ("B", [summary(train="3", validation="4", test="5")])]
    assert notes_on_differences(same_name) == ["the validation samples differ, so the metrics may not be comparable"]
    assert notes_on_differences([("A", [summary(train="1")]), ("B", [summary(train="2")])]) == []


def test_no_side_is_better_where_data_or_tasks_differ() -> None:
    one, two = summary("a", validation="1", test="1"), summary("b", validation="1", test="2")
    two.metrics["val_loss"] = Metric(0.1, 1, 0.1, split="validation")  # type: ignore[index]
    two.metrics["test_loss"] = Metric(0.1, 1, 0.1, split="test")  # type: ignore[index]
    rows = {row.metric: row for row in compare_sides([Side("a", (one,)), Side("b", (two,))]).rows}
    assert (rows["val_loss"].best, rows["val_loss"].differs) == (1, "")
    assert (rows["test_loss"].best, rows["test_loss"].differs, rows["test_loss"].tied) == (None, "data", ())
    assert rows["test_loss"].cells[1].difference == pytest.approx(-0.2)
    assert rows["test_loss"].cells[1].is_better is None
    other = summary("c", task="regression")
    for row in compare_sides([Side("a", (one,)), Side("c", (other,))]).rows:
        assert (row.best, row.differs, row.cells[1].difference) == (None, "tasks", None)


def runs_of(workspace: Path, *records: Mapping[str, Any]) -> list[Run]:
    """Make runs, each better than the one before it."""
    return [
        make_run(
            workspace, started=SOME_MOMENT + timedelta(minutes=number), val_accuracy=0.9 - 0.1 * number, record=record
        )
        for number, record in enumerate(records)
    ]


def test_best_is_sought_among_runs_of_the_same_task_and_samples(tmp_path: Path) -> None:
    told: list[str] = []
    _, _, third, newest = runs_of(
        tmp_path,
        {"task": "multi-label"},
        {"evaluation_data": {"validation": "other", "test": "3"}},
        {"evaluation_data": {"validation": "same", "test": "1"}},
        {"evaluation_data": {"validation": "same", "test": "2"}},
    )
    store = RunStore(PathsConfig(workspace=str(tmp_path)))
    assert store.find("best", told.append).id == third.id
    left_out = "1 run of another task and 1 run of other data or other versions of it were left out"
    assert told == [f"{third.id} is the best by val_accuracy of the runs on mnist; {left_out}"]
    assert store.find("best:test_accuracy").id == newest.id


def test_runs_without_fingerprints_are_compared_by_the_name_of_their_data_and_that_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    first, *_ = runs_of(tmp_path, {"evaluation_data": None}, {}, {"evaluation_data": "spoilt"})
    assert RunStore(PathsConfig(workspace=str(tmp_path))).find("best", told.append).id == first.id
    assert told == [
        "2 of the 3 runs ranked keep no fingerprint of the data: that they are the same is guessed from their name"
    ]


def test_best_alone_means_the_metric_of_the_newest_runs_task(tmp_path: Path) -> None:
    errors = {"val_mae": {"best": 2.0, "best_epoch": 1, "last": 3.0}}
    fewer = {"val_mae": {"best": 1.0, "best_epoch": 1, "last": 3.0}}
    _, second, _ = runs_of(
        tmp_path,
        {"task": "regression", "metrics": errors},
        {"task": "regression", "metrics": fewer},
        {"task": "regression", "metrics": errors},
    )
    store = RunStore(PathsConfig(workspace=str(tmp_path)))
    assert store.find("best").id == second.id
    make_run(tmp_path, epochs=0, started=SOME_MOMENT + timedelta(hours=1), record={"task": None, "metrics": {}})
    assert store.find("best").id == second.id


def test_a_summary_knows_the_task_and_the_fingerprints(tmp_path: Path) -> None:
    run = make_run(tmp_path, record={"task": "regression", "evaluation_data": {"test": "abc", "train": None}})
    found = summary_of(run)
    assert (found.task, found.fingerprints, found.value("task")) == ("regression", {"test": "abc"}, "regression")
    run.record.pop("task")
    assert summary_of(run).value("task") == "classification"


def script_run(name: str, *, script: str = "", **prints: str) -> Summary:
    found = summary(name, data="n/a", **prints)
    found.read_fact = lambda fact: script if fact == "script" else None
    return found


@pytest.mark.parametrize(
    ("one", "other", "loose", "strict"),
    [
        (script_run("a"), script_run("b"), "unknown", "unknown"),
        (script_run("a", script="x.py"), script_run("b", script="x.py"), "unknown", ""),
        (script_run("a", script="x.py"), script_run("b", script="y.py"), "unknown", "unknown"),
        (script_run("a", validation="1"), script_run("b", validation="1"), "", ""),
        (script_run("a", validation="1"), script_run("b", validation="2"), "data", "data"),
        (script_run("a", validation="1"), summary("b", validation="2"), "unknown", "unknown"),
        (script_run("a"), summary("b"), "unknown", "unknown"),
    ],
)
def test_data_without_a_name_are_the_same_by_their_fingerprint_alone(
    one: Summary, other: Summary, loose: str, strict: str
) -> None:
    assert what_differs(one, other, "val_loss") == loose
    assert what_differs(one, other, "val_loss", strict=True) == strict
    (note,) = notes_on_differences([("A", [one]), ("B", [other])]) or ("",)
    assert {"unknown": "not known", "data": "samples differ", "": ""}[loose] in note
    assert bool(note) == bool(loose)


def test_no_side_is_better_where_the_data_are_not_known() -> None:
    row = compare_sides([Side("a", (script_run("a"),)), Side("b", (script_run("b"),))]).rows[0]
    assert (row.best, row.differs, row.cells[1].is_better) == (None, "unknown", None)


def test_best_alone_goes_by_the_newest_run_and_says_what_was_left_out(tmp_path: Path) -> None:
    told: list[str] = []
    mine = {"data": "n/a", "backend": "tensorflow", "script": "net.py", "evaluation_data": None}
    errors = {"val_mae": {"best": 0.1, "best_epoch": 1, "last": 0.1}}
    good, poor = ({"val_acc": {"best": best, "best_epoch": 1, "last": best}} for best in (0.9, 0.8))
    _, _, second, _ = runs_of(
        tmp_path,
        {**mine, "task": "regression", "metrics": errors},
        {**mine, "task": "classification", "script": "other.py", "metrics": good},
        {**mine, "task": "classification", "metrics": good},
        {**mine, "task": "classification", "metrics": poor},
    )
    assert RunStore(PathsConfig(workspace=str(tmp_path))).find("best", told.append).id == second.id
    left_out = "1 run of data that are not known and 1 run without val_acc were left out"
    assert told == [
        f"{second.id} is the best by val_acc of the runs of net.py; {left_out}",
        "2 of the 2 runs ranked keep no fingerprint of the data: that they are the same is guessed from their script",
    ]


def test_best_of_an_unknown_task_goes_by_the_first_validation_metric(tmp_path: Path) -> None:
    values = {"best": 0.5, "best_epoch": 1, "last": 0.5}
    metrics = {"loss": values, "val_dice": values, "val_loss": values}
    make_run(tmp_path, record={"task": None, "data": "n/a", "metrics": metrics})
    told: list[str] = []
    assert RunStore(PathsConfig(workspace=str(tmp_path))).find("best", told.append)
