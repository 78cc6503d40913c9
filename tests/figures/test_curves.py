import math
from pathlib import Path

import pytest

from tbcli.errors import NotFound
from tbcli.figures.curves import (
    Panel,
    RunHistory,
    alone_between_gaps,
    pick_panels,
    short_number,
    smoothed,
    wants_log_scale,
)
from tbcli.runs import Run
from tbcli.runs.history import History

COLUMNS = ["step", "seconds", "learning_rate", "loss", "accuracy", "top_5_accuracy", "val_loss", "val_accuracy"]
NAN = math.nan


def test_accuracy_and_loss_are_drawn_by_default_each_with_its_validation() -> None:
    assert pick_panels(COLUMNS) == [
        Panel("accuracy", ("accuracy", "val_accuracy")),
        Panel("loss", ("loss", "val_loss")),
    ]


def test_without_accuracy_the_first_other_metric_takes_its_place() -> None:
    assert [panel.name for panel in pick_panels(["learning_rate", "loss", "mae", "val_loss", "val_mae"])] == [
        "mae",
        "loss",
    ]
    assert [panel.name for panel in pick_panels(["loss"])] == ["loss"]


def test_a_history_without_metrics_is_not_found() -> None:
    with pytest.raises(NotFound, match="no metric"):
        pick_panels(["step", "seconds", "learning_rate"])


def test_a_metric_brings_its_validation_and_a_validation_metric_stands_alone() -> None:
    assert pick_panels(COLUMNS, ["loss"]) == [Panel("loss", ("loss", "val_loss"))]
    assert pick_panels(COLUMNS, ["val_loss"]) == [Panel("loss", ("val_loss",))]
    assert pick_panels(["loss", "val_auc"], ["auc"]) == [Panel("auc", ("val_auc",))]


def test_patterns_fit_metrics_and_pass_by_what_is_none() -> None:
    assert [panel.name for panel in pick_panels(COLUMNS, ["*acc*"])] == ["accuracy", "top_5_accuracy"]
    assert [panel.name for panel in pick_panels(COLUMNS, ["*"])] == [
        "learning_rate",
        "loss",
        "accuracy",
        "top_5_accuracy",
    ]
    assert [panel.name for panel in pick_panels(COLUMNS, ["seconds"])] == ["seconds"]


def test_a_metric_that_is_asked_for_twice_has_one_panel() -> None:
    assert pick_panels(COLUMNS, ["loss", "*loss", "val_loss"]) == [Panel("loss", ("loss", "val_loss"))]


@pytest.mark.parametrize(("word", "hint"), [("acuracy", "did you mean 'accuracy'"), ("zzz*", "known: step")])
def test_an_unknown_metric_is_not_found_with_what_may_have_been_meant(word: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        pick_panels(COLUMNS, [word])
    assert word in caught.value.message
    assert hint in caught.value.hint


def test_smoothing_is_tensorboards() -> None:
    # By hand: the average starts at 0 and is divided by 1 - weight^n.
    assert smoothed([1.0, 2.0, 4.0], 0.5) == pytest.approx([1.0, (0.25 + 1.0) / 0.75, (0.625 + 2.0) / 0.875])


def test_smoothing_passes_over_gaps_and_leaves_them() -> None:
    with_gap = smoothed([1.0, NAN, 2.0, 4.0], 0.5)
    assert math.isnan(with_gap[1])
    assert [value for value in with_gap if not math.isnan(value)] == smoothed([1.0, 2.0, 4.0], 0.5)


def test_smoothing_leaves_a_constant_exactly_as_it_is() -> None:
    assert smoothed([0.1] * 50, 0.9) == [0.1] * 50
    assert smoothed([], 0.9) == []


def test_a_point_between_gaps_is_found() -> None:
    assert alone_between_gaps([1.0, NAN, 1.0, 2.0, NAN, 3.0]) == [0, 5]
    assert alone_between_gaps([1.0]) == [0]
    assert alone_between_gaps([NAN, NAN]) == []


def test_only_a_loss_of_wide_range_gets_a_log_scale() -> None:
    assert wants_log_scale("loss", [200.0, NAN, 0.5])
    assert not wants_log_scale("loss", [2.0, 0.5])
    assert not wants_log_scale("loss", [200.0, 0.0])
    assert not wants_log_scale("accuracy", [0.001, 1.0])
    assert not wants_log_scale("loss", [])


def test_what_cannot_be_drawn_is_a_gap() -> None:
    run = Run("id", Path("logs"), Path("plots"), Path("models"))
    told = RunHistory(run, History((1, 2, 3, 4), {"loss": (1.0, math.inf, NAN, 1e300)}))
    assert told.values("loss")[0] == 1.0
    assert all(map(math.isnan, told.values("loss")[1:]))
    assert told.values("accuracy") == ()


@pytest.mark.parametrize(
    ("value", "text"), [(0.98765, "0.9877"), (0.0, "0.0000"), (1234.5, "1.23e+03"), (2e-5, "2e-05")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short_number(value) == text
