"""Which runs are asked, what is said of those that say nothing."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tbcli.effects.inquiry import inquire
from tbcli.errors import ConfigError, NotFound
from tbcli.runs.summary import Metric, Summary
from tests.effects.planted import drawn, hill


def summary(name: str, settings: dict[str, Any], value: float | Metric | None, **facts: Any) -> Summary:
    known = {"id": name, "status": "finished", **facts}
    metric = Metric(value, None, value, is_series=False) if isinstance(value, (int, float)) else value
    return Summary(name, name, {} if metric is None else {"val_loss": metric}, known.get, lambda: settings)


def many(count: int = 30, **facts: Any) -> list[Summary]:
    rows, values = drawn(1, count, lambda row: -hill(row))
    return [summary(f"r{i}", row, value, **facts) for i, (row, value) in enumerate(zip(rows, values, strict=True))]


def test_the_direction_tells_what_is_best() -> None:
    inquiry = inquire(many(), "val_loss")
    assert inquiry.is_lower_better
    assert inquiry.at == ""
    rate = inquiry.effects.settings[0]
    assert rate.name == "train.learning_rate"
    best = next(level for level in rate.levels if level.is_best)
    assert best.adjusted == min(level.adjusted for level in rate.levels)


@pytest.mark.parametrize("status", ["running", "interrupted", "failed", "diverged", "pruned", "unknown"])
def test_only_finished_runs_count(status: str) -> None:
    inquiry = inquire([*many(20), *(summary(f"x{i}", {"a": i}, 1.0, status=status) for i in range(2))], "val_loss")
    assert inquiry.effects.runs == 20
    assert inquiry.left_out == {status: 2}


def test_runs_of_others_tell_no_status_and_count() -> None:
    assert inquire(many(10, status=None), "val_loss").effects.runs == 10


def test_what_has_no_value_is_counted_by_its_reason() -> None:
    more = [summary("a", {}, None), summary("b", {}, math.nan), summary("c", {}, math.inf)]
    inquiry = inquire([*many(10), *more], "val_loss")
    assert inquiry.left_out == {"without val_loss": 1, "without a finite val_loss": 2}
    assert inquiry.notes == ()


def test_a_setting_on_which_it_depends_whether_there_is_a_value_is_told() -> None:
    runs = many(40)
    lost = [
        summary(one.id, dict(one.settings), math.nan) if one.settings["train.learning_rate"] > 0.02 else one
        for one in runs
    ]
    (note,) = inquire(lost, "val_loss").notes
    assert note.startswith("whether a run counts depends on train.learning_rate (p 0.002)")


def test_a_series_is_asked_for_its_last_or_its_best() -> None:
    series = [summary(str(i), {"a": i % 2}, Metric(float(i), 1, float(i + 100))) for i in range(8)]
    last, best = inquire(series, "val_loss"), inquire(series, "val_loss", "best")
    assert (last.at, last.values[0], last.asked) == ("last", 100.0, "val_loss")
    assert (best.at, best.values[0], best.asked) == ("best", 0.0, "val_loss.best")
    assert inquire(series, "val_loss", "epoch").direction.sense == ""


def test_a_fact_that_is_a_number_can_be_asked_for() -> None:
    runs = [summary(str(i), {"batch": 2 ** (i % 3)}, 1.0, seconds=100.0 / 2 ** (i % 3)) for i in range(12)]
    assert inquire(runs, "seconds").effects.settings[0].verdict == "effect"
    with pytest.raises(ConfigError, match="'status' is no number, but 'finished'"):
        inquire(runs, "status")


def test_runs_with_other_data_are_told() -> None:
    runs = many(12)
    for one in runs[8:]:
        one.data = "cifar"
    for one in runs[:8]:
        one.data = "mnist"
    assert inquire(runs, "val_loss").notes == (
        "4 of 12 runs have other data than the first, so values may not be comparable",
    )


def test_the_same_run_named_twice_counts_once() -> None:
    assert inquire([*many(10), *many(10)], "val_loss").effects.runs == 10


@pytest.mark.parametrize(
    ("runs", "metric", "told"),
    [
        ([], "val_loss", "no runs to look at"),
        (many(3), "val_los", "no run has 'val_los'"),
        ([summary("a", {}, math.nan)], "val_loss", "no finished run has a finite val_loss"),
        ([summary("a", {}, 0.5), summary("b", {}, 0.6)], "val_loss", "no run with 'val_loss' tells its settings"),
        (many(3, status="running"), "val_loss", "no finished run has a finite val_loss: 3 running"),
    ],
)
def test_nothing_to_look_at_is_an_error_with_its_reason(runs: list[Summary], metric: str, told: str) -> None:
    with pytest.raises(NotFound, match=told):
        inquire(runs, metric)
