"""Runs side by side: the figures, and the groups of replicates."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest

from tbcli.cli.render.comparison import as_table_lines
from tbcli.comparison import compare_sides
from tbcli.errors import NotFound
from tbcli.grouping import Side, group_runs
from tbcli.naming.group_labels import text_of
from tbcli.runs.summary import Metric, Summary


def run(name: str, settings: dict[str, Any] | None = None, **metrics: Metric | float) -> Summary:
    series = {
        key: value if isinstance(value, Metric) else Metric(value, None, value, is_series=False)
        for key, value in metrics.items()
    }
    return Summary(name, name, series, {"model": "cnn"}.get, lambda: settings or {})


def sides(*runs: Summary) -> list[Side]:
    return [Side(each.label, (each,)) for each in runs]


def test_each_metric_is_compared_at_its_best_and_its_last() -> None:
    a = run("a", val_accuracy=Metric(0.98, 4, 0.97), test_loss=0.2)
    b = run("b", val_accuracy=Metric(0.99, 5, 0.96), test_loss=0.1)
    best, last, loss = compare_sides(sides(a, b)).rows
    assert [(row.metric, row.at, row.best) for row in (best, last, loss)] == [
        ("val_accuracy", "best", 1),
        ("val_accuracy", "last", 0),
        ("test_loss", "", 1),
    ]
    assert best.cells[0].difference is None
    assert best.cells[1].epoch == 5
    assert best.cells[1].difference == pytest.approx(0.01)
    assert best.cells[1].relative == pytest.approx(0.01 / 0.98)
    assert [row.cells[1].is_better for row in (best, last, loss)] == [True, False, True]


def test_a_single_run_that_has_not_finished_is_marked() -> None:
    a, b = run("a", x=1.0), run("b", x=2.0)
    b.read_fact = {"status": "pruned", "epoch": 3}.get
    comparison = compare_sides(sides(a, b))
    assert comparison.notes == ("not all runs have finished, so they may not be comparable: b is pruned after epoch 3",)
    assert as_table_lines(comparison)[1].split() == ["B", "b", "pruned", "after", "epoch", "3"]
    assert not compare_sides(sides(a)).notes


def test_the_baseline_may_be_any_side() -> None:
    comparison = compare_sides(sides(run("a", x=1.0), run("b", x=3.0)), baseline=1)
    assert comparison.rows[0].cells[0].difference == -2
    assert comparison.rows[0].cells[1].difference is None


def test_equals_and_what_is_no_number_have_no_winner() -> None:
    rows = compare_sides(sides(run("a", x=1.0, y=math.nan, z=1.0), run("b", x=1.0, y=math.nan))).rows
    assert [row.best for row in rows] == [None, None, None]
    assert rows[0].cells[1].is_better is None
    assert rows[1].cells[1].difference is None
    assert rows[2].cells[1].value is None


def test_a_share_of_nothing_is_not_given() -> None:
    (row,) = compare_sides(sides(run("a", x=0.0), run("b", x=1.0))).rows
    assert (row.cells[1].difference, row.cells[1].relative) == (1.0, None)


def test_only_settings_that_differ_are_listed() -> None:
    a = run("a", {"train.seed": 1, "train.name": "a", "x.same": [1], "x.old": ""}, x=1.0)
    b = run("b", {"train.seed": 2, "train.name": "b", "x.same": [1], "x.new": 0.5}, x=1.0)
    assert compare_sides(sides(a, b)).settings == {
        "train.seed": ("1", "2"),
        "x.old": ("", None),
        "x.new": (None, "0.5"),
    }


def test_runs_without_metrics_are_not_compared() -> None:
    with pytest.raises(NotFound, match="no metrics to compare in a, b"):
        compare_sides(sides(run("a"), run("b")))


def replicate(seed: int, rate: float, value: float, **more: Any) -> Summary:
    settings = {
        "train.seed": seed,
        "train.learning_rate": rate,
        "train.name": f"{seed}",
        "record.every": f"{seed}",
        **more,
    }
    return run(f"{seed}-{rate}", settings, test_accuracy=value)


def test_a_seed_makes_groups_of_runs_alike_in_all_else() -> None:
    runs = [replicate(1, 0.1, 0.90), replicate(1, 0.2, 0.7), replicate(2, 0.1, 0.96), replicate(3, 0.1, 0.93)]
    groups = group_runs(runs, "seed")
    assert [(group.label, len(group.members)) for group in groups] == [
        ("learning_rate=0.1", 3),
        ("learning_rate=0.2", 1),
    ]
    assert group_runs(runs, "train.seed") == groups
    comparison = compare_sides(groups, grouped_by="seed")
    many, one = comparison.rows[0].cells
    assert many.value == pytest.approx(0.93)
    assert many.deviation == pytest.approx(statistics.stdev([0.90, 0.96, 0.93]))
    assert (many.n, one.n, one.deviation) == (3, 1, None)
    assert comparison.settings == {"train.learning_rate": ("0.1", "0.2")}


def test_runs_that_differ_in_nothing_but_the_seed_are_one_group() -> None:
    (group,) = group_runs([replicate(1, 0.1, 0.9), replicate(2, 0.1, 0.8)], "seed")
    assert group.label == "all seeds"


def test_another_key_makes_groups_of_one_value() -> None:
    runs = [replicate(1, 0.1, 0.9), replicate(1, 0.2, 0.7), replicate(2, 0.1, 0.8)]
    groups = group_runs(runs, "learning_rate")
    assert [(group.label, len(group.members)) for group in groups] == [
        ("learning_rate=0.1", 2),
        ("learning_rate=0.2", 1),
    ]
    assert [group.label for group in group_runs(runs, "model")] == ["model=cnn"]


def test_a_key_that_no_run_has_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="no run has a setting 'learning_rat'") as caught:
        group_runs([replicate(1, 0.1, 0.9)], "learning_rat")
    assert "learning_rate" in caught.value.hint


def test_a_replicate_that_is_no_number_is_left_out_of_the_mean_and_counted_out() -> None:
    runs = [replicate(1, 0.1, 0.9), replicate(2, 0.1, math.nan), replicate(3, 0.1, 0.8)]
    cell = compare_sides(group_runs(runs, "seed")).rows[0].cells[0]
    assert cell.value == pytest.approx(0.85)
    assert cell.n == 2
    lost = compare_sides(group_runs([replicate(1, 0.1, math.nan), replicate(2, 0.1, math.inf)], "seed"))
    assert math.isnan(lost.rows[0].cells[0].value or 0)


def test_a_metric_without_direction_has_no_best_and_no_winner() -> None:
    a, b = (run(name, fps=Metric(9.0, 1, 8.0), epoch=value, loss=value) for name, value in (("a", 1.0), ("b", 2.0)))
    rows = {(row.metric, row.at): row for row in compare_sides(sides(a, b)).rows}
    assert list(rows) == [("fps", "last"), ("epoch", ""), ("loss", "")]
    assert [row.best for row in rows.values()] == [None, None, 0]
    assert [row.cells[1].is_better for row in rows.values()] == [None, None, False]
    assert rows["epoch", ""].cells[1].difference == 1.0


def test_a_guessed_direction_is_marked_and_the_user_overrules_it() -> None:
    a, b = run("a", quux=1.0), run("b", quux=2.0)
    (row,) = compare_sides(sides(a, b)).rows
    assert (row.best, row.direction.is_guessed) == (1, True)
    for each in (a, b):
        each.directions = {"quux": "min"}
    (row,) = compare_sides(sides(a, b)).rows
    assert (row.best, row.direction.is_guessed) == (0, False)


def test_a_metric_that_runs_spell_differently_is_one_row() -> None:
    a = run("a", val_accuracy=0.9, Loss=1.0)
    b = run("b", val_acc=0.8, loss=2.0)
    rows = compare_sides(sides(a, b)).rows
    assert [(row.metric, [cell.value for cell in row.cells]) for row in rows] == [
        ("val_accuracy", [0.9, 0.8]),
        ("Loss", [1.0, 2.0]),
    ]


def test_two_metrics_of_one_run_that_differ_in_case_are_two_rows() -> None:
    rows = compare_sides(sides(run("a", Loss=1.0, loss=2.0), run("b", loss=3.0))).rows
    assert [(row.metric, [cell.value for cell in row.cells]) for row in rows] == [
        ("Loss", [1.0, None]),
        ("loss", [2.0, 3.0]),
    ]


def test_data_that_differ_are_named() -> None:
    a, b, c = (run(name, {"data.limit_samples": limit}, loss=1.0) for name, limit in (("a", 1), ("b", 1), ("c", 2)))
    a.data, b.data, c.data = "mnist", "mnist", "photos"
    assert compare_sides(sides(a, b)).notes == ()
    data, settings = compare_sides(sides(a, c)).notes
    assert data == "the data differ, so the metrics may not be comparable: a: mnist; c: photos"
    assert settings == "the data settings differ, so the metrics may not be comparable: data.limit_samples"


def test_a_key_that_groups_nothing_is_said() -> None:
    runs = [replicate(1, 0.1, 0.9), replicate(2, 0.2, 0.7)]
    assert compare_sides(group_runs(runs, "seed"), grouped_by="seed").notes == (
        "--group-by seed grouped nothing: no two runs differ only in their seed",
    )
    assert compare_sides(group_runs(runs, "learning_rate"), grouped_by="learning_rate").notes == (
        "--group-by learning_rate grouped nothing: no two runs share a learning_rate",
    )


def test_repeats_of_one_seed_are_said() -> None:
    groups = group_runs([replicate(1, 0.1, 0.9), replicate(1, 0.1, 0.9), replicate(2, 0.1, 0.8)], "seed")
    (note,) = compare_sides(groups, grouped_by="seed").notes
    assert note == (
        "all seeds: 1 of 3 runs repeats another one with the same seed; repeats are not independent samples"
    )


def test_runs_without_a_seed_in_their_settings_are_no_replicates() -> None:
    foreign = [run(name, loss=1.0) for name in ("x", "y")]
    groups = group_runs([replicate(1, 0.1, 0.9), replicate(2, 0.1, 0.8), *foreign], "seed")
    assert [(group.label, len(group.members)) for group in groups] == [("all seeds", 2), ("x", 1), ("y", 1)]


def test_what_diverged_is_worse_than_any_finite_value() -> None:
    runs = [run("a", {}, x=math.nan), run("b", {}, x=math.inf), run("c", {}, x=0.25)]
    (row,) = compare_sides([Side(each.label, (each,)) for each in runs]).rows
    assert (row.best, row.tied) == (2, ())
    (row,) = compare_sides([Side(each.label, (each,)) for each in runs[:2]]).rows
    assert (row.best, row.tied) == (None, ())


def test_the_same_value_in_another_precision_is_no_difference() -> None:
    runs = [run("a", {}, x=0.9), run("b", {}, x=0.8999999761581421), run("c", {}, x=0.8999)]
    (row,) = compare_sides(sides(*runs)).rows
    assert (row.tied, row.cells[1].difference, row.cells[1].is_better) == ((0, 1), 0.0, None)
    assert row.cells[2].is_better is False


def test_whole_settings_are_shown_as_whole_numbers_whatever_they_are_kept_as() -> None:
    assert [text_of(value) for value in (1.0, 0.0, 1, 0.5, 1e300, "1.0", True, math.nan)] == [
        "1", "0", "1", "0.5", "1e+300", "1.0", "true", "NaN",
    ]  # fmt: skip


def groups_of(*values: tuple[float, list[float]]) -> list[Side]:
    return group_runs(
        [replicate(seed, rate, value) for rate, each in values for seed, value in enumerate(each)], "learning_rate"
    )


def test_groups_are_told_from_noise_and_single_runs_are_not() -> None:
    steady, better, alike = [0.90, 0.91, 0.92, 0.91], [0.95, 0.96, 0.95, 0.94], [0.91, 0.92, 0.90, 0.91]
    (row,) = compare_sides(
        groups_of((0.1, steady), (0.2, better), (0.3, alike), (0.4, [0.9])), grouped_by="learning_rate"
    ).rows
    first, *others = [cell.noise for cell in row.cells]
    assert first is None
    assert [one and (one.verdict, one.n) for one in others] == [
        ("differs", (4, 4)),
        ("noise", (4, 4)),
        ("cannot tell", (4, 1)),
    ]
    assert all(cell.noise is None for cell in compare_sides(sides(run("a", x=1.0), run("b", x=2.0))).rows[0].cells)


def test_repeats_of_a_seed_are_no_further_evidence() -> None:
    ones = [replicate(1, 0.1, 0.9 + 0.001 * i) for i in range(5)]
    others = [replicate(1, 0.2, 0.8 + 0.001 * i) for i in range(5)]
    for i, each in enumerate([*ones, *others]):
        each.id = str(i)
    (row,) = compare_sides(group_runs([*ones, *others], "learning_rate"), grouped_by="learning_rate").rows
    assert row.cells[1].noise is not None
    assert row.cells[1].noise.told == "cannot tell: 1 run each"


def test_many_seeds_of_few_configurations_are_no_further_evidence() -> None:
    runs = [
        replicate(seed, rate, 0.9 + 0.01 * place, **{"x.group": group})
        for group in ("one", "two")
        for place, rate in enumerate((0.1, 0.2, 0.3))
        for seed in range(5)
    ]
    for i, each in enumerate(runs):
        each.id = str(i)
    (row,) = compare_sides(group_runs(runs, "group"), grouped_by="group").rows
    assert row.cells[1].noise is not None
    assert row.cells[1].noise.n == (3, 3)


def test_groups_with_other_data_are_not_tested() -> None:
    groups = groups_of((0.1, [0.9, 0.91]), (0.2, [0.8, 0.81]))
    for side, data in zip(groups, ("mnist", "cifar"), strict=True):
        for member in side.members:
            member.data = data
    (row,) = compare_sides(groups, grouped_by="learning_rate").rows
    assert [cell.noise for cell in row.cells] == [None, None]


def test_values_that_vary_within_groups_have_one_order_and_a_label_says_each_thing_once() -> None:
    def run(place: int) -> Summary:
        rate, seed = 0.1 ** (place % 2), (place // 2 + place % 2) % 2
        settings = {
            "train.learning_rate": rate,
            "arguments.lr": str(rate),
            "train.seed": seed,
            "model.name": "ab"[place > 3],
        }
        metrics = {"loss": Metric(float(place), None, float(place), is_series=False)}
        return Summary(f"r{place}", f"r{place}", metrics, {}.get, lambda: settings)

    runs = [run(place) for place in range(8)]
    assert [side.label for side in group_runs(runs, "seed")][:2] == [
        "learning_rate=1, name=a",
        "learning_rate=0.1, name=a",
    ]
    by_model = compare_sides(group_runs(list(reversed(runs)), "model.name"), grouped_by="model.name")
    assert by_model.settings == {}
    told = " ".join(as_table_lines(by_model))
    assert "n 2 and 2" in told
    assert "n=4, 2 configurations" in told
    assert "n counts configurations" in told
    assert "`tbcli effects METRIC` tells what each does" in told
