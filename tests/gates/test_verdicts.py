from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tbcli.errors import CheckFailed, ConfigError, NotFound
from tbcli.gates import Tolerance, Verdict, failure_of, judge, judge_against, parse_conditions, parse_field, parse_gates
from tbcli.runs.summary import Metric, Summary


def summary(**metrics: float | Metric) -> Summary:
    series = {
        name: value if isinstance(value, Metric) else Metric(value, None, value, is_series=False)
        for name, value in metrics.items()
    }
    return Summary("a run", "id", series)


def judged(known: Summary, *expressions: str) -> list[str]:
    return [verdict.outcome for expression in expressions for verdict in judge(known, parse_conditions(expression))]


def test_each_condition_has_a_verdict_of_its_own() -> None:
    known = summary(val_accuracy=Metric(0.99, 4, 0.98), loss=math.nan)
    assert judged(known, "val_accuracy>0.9 and val_accuracy.best<0.9", "loss<1", "los<1") == [
        "passed",
        "failed",
        "failed",
        "missing",
    ]


def test_a_best_value_says_where_it_stands() -> None:
    known = summary(val_accuracy=Metric(0.99, 4, 0.98))
    best, last = judge(known, parse_conditions("val_accuracy.best>0 and val_accuracy>0"))
    assert (best.found, last.found) == ("0.99 at epoch 4", "0.98")


@pytest.mark.parametrize(
    ("expression", "shown"), [("x<0.98", "0.98"), ("x>0.98", "0.9800000000000001"), ("x>0.5", "0.98")]
)
def test_a_rounded_value_never_contradicts_its_verdict(expression: str, shown: str) -> None:
    (verdict,) = judge(summary(x=0.9800000000000001), parse_conditions(expression))
    assert verdict.shown == shown


def test_a_missing_name_is_answered_with_the_nearest() -> None:
    known = summary(val_accuracy=Metric(0.99, 4, 0.98), test_accuracy=0.9)
    near, far, single = (
        judge(known, parse_conditions(text))[0] for text in ("val_acuracy>0", "x>0", "test_accuracy.epoch>0")
    )
    assert near.hint == "did you mean 'val_accuracy'?"
    assert far.hint == "metrics here: val_accuracy, test_accuracy"
    assert "leave `.epoch` out" in single.hint


def test_a_hint_of_many_names_stays_on_a_line() -> None:
    known = summary(**{f"metric_{i}": 0.5 for i in range(50)})
    (verdict,) = judge(known, parse_conditions("x>0"))
    assert verdict.hint.endswith("metric_7 and 42 more")


def test_what_is_missing_weighs_more_than_what_fails() -> None:
    passed, failed = Verdict("a>1", "passed", 2.0, "2"), Verdict("b>1", "failed", 0.5, "0.5", "epoch 3")
    missing = Verdict("c>1", "missing", hint="try")
    assert failure_of([passed], "run") is None
    failure = failure_of([passed, failed], "run")
    assert isinstance(failure, CheckFailed)
    assert failure.message == "run fails 1 of 2 gates: b>1, but it is 0.5 at epoch 3"
    only = failure_of([failed], "run")
    assert only is not None
    assert only.message == "run fails b>1, but it is 0.5 at epoch 3"
    assert isinstance(failure_of([failed, missing], "run"), NotFound)


@pytest.mark.parametrize(
    ("text", "amount", "is_share"), [("0.5%", 0.005, True), ("0.005", 0.005, False), ("0", 0, False), ("0%", 0, True)]
)
def test_a_tolerance_is_a_share_or_an_amount(text: str, amount: float, is_share: bool) -> None:
    assert Tolerance.parse(text) == Tolerance(amount, is_share)


@pytest.mark.parametrize("text", ["", "much", "-1%", "nan", "inf", "1 %x"])
def test_other_tolerances_are_wrong_usage(text: str) -> None:
    with pytest.raises(ConfigError):
        Tolerance.parse(text)


@pytest.mark.parametrize(
    ("name", "baseline", "actual", "tolerance", "outcome"),
    [
        ("val_accuracy", 0.98, 0.98, "0", "passed"),
        ("val_accuracy", 0.98, 0.9752, "0.5%", "passed"),
        ("val_accuracy", 0.98, 0.9750, "0.5%", "failed"),
        ("val_accuracy", 0.98, 0.9752, "0", "failed"),
        ("val_accuracy", 0.98, 0.97, "0.01", "passed"),
        ("val_loss", 0.10, 0.1004, "0.5%", "passed"),
        ("val_loss", 0.10, 0.1006, "0.5%", "failed"),
        ("val_loss", 0.10, 0.01, "0", "passed"),
        ("val_regret", -2.0, -1.99, "1%", "passed"),
        ("val_accuracy", 0.98, math.nan, "100%", "failed"),
        ("val_accuracy", math.nan, 0.98, "100%", "failed"),
    ],
)
def test_a_baseline_is_a_limit_in_the_metric_s_own_direction(
    name: str, baseline: float, actual: float, tolerance: str, outcome: str
) -> None:
    gates = judge_against(
        summary(**{name: actual}), summary(**{name: baseline}), [parse_field(name)], Tolerance.parse(tolerance)
    )
    assert [verdict.outcome for verdict in gates] == [outcome]


def test_by_default_a_baseline_judges_validation_and_test_metrics_by_their_best() -> None:
    series = Metric(0.9, 3, 0.8)
    known = summary(accuracy=series, val_accuracy=series, val_loss=Metric(math.nan, None, 1.0), test_accuracy=0.9)
    assert [verdict.gate for verdict in judge_against(known, known, [], Tolerance())] == [
        "val_accuracy.best>=0.9",
        "test_accuracy>=0.9",
    ]
    alone = summary(accuracy=series)
    assert [verdict.gate for verdict in judge_against(alone, alone, [], Tolerance())] == ["accuracy.best>=0.9"]
    with pytest.raises(NotFound, match="no metrics"):
        judge_against(known, summary(), [], Tolerance())


def test_a_metric_that_only_one_of_the_two_has_is_said() -> None:
    known, baseline = summary(val_loss=1.0), summary(val_accuracy=0.9)
    assert judge_against(known, baseline, [], Tolerance())[0].outcome == "missing"
    with pytest.raises(NotFound, match="the baseline a run has no val_loss"):
        judge_against(known, baseline, [parse_field("val_loss")], Tolerance())


@given(st.floats(), st.sampled_from(["val_accuracy", "val_loss"]), st.floats(0, 1e6))
def test_a_run_passes_against_itself_unless_it_is_no_number(value: float, name: str, amount: float) -> None:
    known = summary(**{name: value})
    (verdict,) = judge_against(known, known, [parse_field(name)], Tolerance(amount))
    assume(not math.isinf(value))
    assert verdict.outcome == ("failed" if math.isnan(value) else "passed")


def test_names_alone_are_told_from_conditions() -> None:
    conditions, fields = parse_gates(["val_loss", '"a b".best', "x<1 and y>2", "model=cnn"])
    assert list(map(str, fields)) == ["val_loss", '"a b".best']
    assert list(map(str, conditions)) == ["x<1", "y>2", "model=cnn"]
    with pytest.raises(ConfigError):
        parse_gates(["x<"])
