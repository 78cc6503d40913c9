from __future__ import annotations

import math
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tbcli.errors import CheckFailed, ConfigError, NotFound
from tbcli.gates import (
    Tolerance,
    Verdict,
    failure_of,
    gated_by,
    judge,
    judge_against,
    parse_conditions,
    parse_field,
    parse_gates,
)
from tbcli.naming.series import split_of
from tbcli.runs.summary import Metric, Summary


def summary(**metrics: float | Metric) -> Summary:
    series = {
        name: value if isinstance(value, Metric) else Metric(value, None, value, is_series=False)
        for name, value in metrics.items()
    }
    return Summary("a run", "id", {name: metric._replace(split=split_of(name)) for name, metric in series.items()})


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
    assert "write it without `.epoch`" in single.hint


def test_a_hint_of_many_names_stays_on_a_line() -> None:
    known = summary(**{f"metric_{i}": 0.5 for i in range(50)})
    (verdict,) = judge(known, parse_conditions("x>0"))
    assert verdict.hint.endswith("metric_11 and 38 more")
    assert len(verdict.hint) < 160


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


def test_or_passes_where_one_passes_and_is_missing_where_only_a_missing_one_could_decide() -> None:
    known = summary(loss=0.5, accuracy=0.9)
    expressions = ("loss<0.1 or accuracy>0.8", "loss<0.1 or accuracy>0.95", "loss<0.1 or x>1", "x>1 or loss<1")
    assert judged(known, *expressions) == ["passed", "failed", "missing", "passed"]
    (verdict,) = judge(known, parse_conditions("loss<0.1 or (x>1 and accuracy>0.8)"))
    assert (verdict.outcome, verdict.hint) == ("missing", "metrics here: loss, accuracy")
    (verdict,) = judge(known, parse_conditions("loss<0.1 or accuracy>0.8"))
    assert verdict.found == "loss 0.5, accuracy 0.9"


def test_a_verdict_that_rests_on_a_guess_says_so() -> None:
    known = summary(quux=Metric(3.0, 1, 2.0), val_loss=Metric(3.0, 1, 2.0))
    best, last, loss = judge(known, parse_conditions("quux.best>1 and quux>1 and val_loss.best>1"))
    assert best.found == "3 at epoch 1 (higher is better: guessed)"
    assert (last.found, loss.found) == ("2", "3 at epoch 1")
    guessed, certain = judge_against(known, known, [parse_field("quux"), parse_field("val_loss")], Tolerance())
    assert guessed.gate == "quux>=2"
    assert (guessed.note, certain.note) == ("(higher is better: guessed)", "")


def test_conditions_joined_by_or_tell_once_what_was_guessed() -> None:
    known = summary(quux=Metric(3.0, 1, 2.0), foo=Metric(3.0, 1, 2.0))
    (verdict,) = judge(known, parse_conditions("quux.best>5 or foo.best>1 or quux<0"))
    assert verdict.found == "quux.best 3 at epoch 1, foo.best 3 at epoch 1, quux 2 (higher is better: guessed)"
    assert verdict.note == "(higher is better: guessed)"


def test_the_user_says_which_way_a_metric_is_better() -> None:
    good, bad = summary(quux=1.0), summary(quux=2.0)
    assert judge_against(bad, good, [parse_field("quux")], Tolerance())[0].outcome == "passed"
    bad.directions = {"quux": "min"}
    (verdict,) = judge_against(bad, good, [parse_field("quux")], Tolerance())
    assert (verdict.gate, verdict.outcome, verdict.note) == ("quux<=1", "failed", "")


def test_what_has_no_direction_has_no_best_and_no_gate_unless_the_user_gives_it_one() -> None:
    known = summary(grad_norm=Metric(math.nan, None, 2.0), val_loss=Metric(1.0, 1, 1.0))
    (verdict,) = judge(known, parse_conditions("grad_norm.best<3"))
    assert (verdict.outcome, verdict.shown) == ("missing", "no direction")
    assert "--set direction.grad_norm=min" in verdict.hint
    assert judged(known, "grad_norm<3") == ["passed"]
    assert judge_against(known, known, [parse_field("grad_norm")], Tolerance())[0].shown == "no direction"


def test_a_time_is_better_when_low_if_someone_names_it() -> None:
    fast, slow = summary(latency=1.0, fps=30.0), summary(latency=2.0, fps=15.0)
    fields = [parse_field("latency"), parse_field("fps")]
    assert [verdict.outcome for verdict in judge_against(slow, fast, fields, Tolerance())] == ["failed", "failed"]
    assert [verdict.outcome for verdict in judge_against(fast, slow, fields, Tolerance())] == ["passed", "passed"]


def test_a_baseline_leaves_out_what_has_no_direction_or_no_number_and_says_so() -> None:
    known = summary(val_loss=1.0, val_runtime=3.0, val_f1=math.nan, loss=1.0)
    gated = gated_by(known)
    assert [str(field) for field in gated.fields] == ["val_loss"]
    assert list(gated.left_out.items()) == [
        ("val_f1", "NaN in the baseline"), ("loss", "training metric"), ("val_runtime", "no direction"),
    ]  # fmt: skip
    with pytest.raises(NotFound, match="no metric to gate"):
        gated_by(summary(val_runtime=3.0))


def test_the_run_that_fails_is_named_among_several() -> None:
    verdicts = [Verdict("a>1", "passed", run="one"), Verdict("a>1", "failed", 0.5, "0.5", run="two")]
    failure = failure_of(verdicts, "runs/")
    assert failure is not None
    assert failure.message == "runs/ fails 1 of 2 gates; the first is of two: a>1, but it is 0.5"


def gated_names(**splits: str) -> tuple[list[str], dict[str, str]]:
    """Return what is gated and what is left out of series with a split each; a slash is spelt as two underscores."""
    metrics = {
        name.replace("__", "/"): Metric(1.0, 1, 1.0, split=split if split != "-" else "")
        for name, split in splits.items()
    }
    gated = gated_by(Summary("a run", "id", metrics))
    return [field.name for field in gated.fields], dict(gated.left_out)


def test_metrics_without_split_are_gated_where_training_names_its_own() -> None:
    gated, left_out = gated_names(box_loss="train", mAP50="-", precision="-", val_box_loss="validation", quux="-")
    assert gated == ["mAP50", "precision", "val_box_loss"]
    assert left_out == {"quux": "guessed direction", "box_loss": "training metric"}


def test_metrics_without_split_are_gated_where_none_of_them_is_validated_too() -> None:
    gated, left_out = gated_names(FID="-", log_loss="-", val_loss="validation", loss_d="-")
    assert (gated, left_out) == (["FID", "log_loss", "val_loss"], {"loss_d": "training metric"})
    gated, left_out = gated_names(loss="-", accuracy="-", auc="-", val_loss="validation", val_accuracy="validation")
    assert (gated, list(left_out)) == (["val_loss", "val_accuracy"], ["loss", "accuracy", "auc"])


def test_a_metric_of_a_group_is_left_out_where_another_says_its_split() -> None:
    gated, left_out = gated_names(loss="train", hparam__loss="-", hparam__auc="-", val_loss="validation")
    assert (gated, left_out["hparam/loss"]) == (["hparam/auc", "val_loss"], "no split, unlike val_loss")


def test_a_run_with_training_metrics_alone_is_gated_by_them() -> None:
    assert gated_names(loss="train", lr="-") == (["loss"], {"lr": "no direction"})
    with pytest.raises(NotFound, match="no metric to gate"):
        gated_by(summary(loss=1.0, val_loss=math.nan))


def test_an_agent_is_gated_by_its_rewards_and_not_by_the_parts_of_its_loss() -> None:
    gated, left_out = gated_names(
        charts__episodic_return="-", losses__value_loss="-", losses__approx_kl="-", losses__explained_variance="-",
        success_rate="-", collision_rate="-", time__fps="-",
    )  # fmt: skip
    assert gated == ["charts/episodic_return", "success_rate", "collision_rate"]
    assert set(left_out.values()) == {"part of the training's loss", "no direction"}
    gated, _ = gated_names(ep_rew_mean="-", approx_kl="train", value_loss="train", entropy_loss="train")
    assert gated == ["ep_rew_mean"]


def test_what_the_baseline_alone_has_is_left_out_as_long_as_they_share_a_metric() -> None:
    baseline, known = summary(val_loss=1.0, val_f1=1.0), summary(val_loss=1.0)
    assert gated_by(baseline, known).left_out == {"val_f1": "not in a run"}
    assert [verdict.outcome for verdict in judge_against(known, baseline, [], Tolerance())] == ["passed"]
    assert [verdict.outcome for verdict in judge_against(known, baseline, [parse_field("val_f1")], Tolerance())] == [
        "missing"
    ]


@pytest.mark.parametrize("last", [math.nan, math.inf])
def test_a_run_that_diverged_fails_the_gates_of_a_baseline_but_not_a_condition_on_its_best(last: float) -> None:
    known, baseline = summary(val_loss=Metric(0.4, 3, last)), summary(val_loss=Metric(0.5, 3, 0.5))
    (verdict,) = judge_against(known, baseline, [], Tolerance())
    assert (verdict.outcome, verdict.found) == ("failed", f"0.4 at epoch 3 (last value is {last})")
    for (verdict,) in (
        judge_against(known, baseline, [parse_field("val_loss.best")], Tolerance()),
        judge(known, parse_conditions("val_loss.best<1")),
        judge(known, parse_conditions("val_loss.best<0 or val_loss.best<1")),
    ):
        assert (verdict.outcome, verdict.warning) == ("passed", f"last value is {last}")
    assert judged(known, "val_loss<1") == ["failed"]


def float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("x<=0.3", True), ("x>=0.3", True), ("x=0.3", True), ("x!=0.3", False), ("x>0.3", False), ("x<0.3", False),
        ("x=30%", True), ("x>30%", False), ("x<0.3001", True), ("x=0.30000001192092896", True), ("x<1", True),
    ],
)  # fmt: skip
def test_a_value_logged_as_float32_is_compared_in_float32(expression: str, holds: bool) -> None:
    assert judged(summary(x=float32(0.3)), expression) == ["passed" if holds else "failed"]


def test_what_is_no_float32_is_compared_as_it_is() -> None:
    assert judged(summary(x=0.3 + 1e-9), "x<=0.3", "x>0.3") == ["failed", "passed"]
    facts = {"bytes": 2**24}
    counted = Summary("a run", "id", {}, read_fact=facts.get)
    assert judged(counted, "bytes=16777217", "bytes<16777217") == ["failed", "passed"]


def test_a_baseline_of_doubles_judges_the_same_values_in_float32() -> None:
    names = [parse_field("val_loss"), parse_field("val_f1")]
    doubles, singles = summary(val_loss=0.3, val_f1=0.7), summary(val_loss=float32(0.3), val_f1=float32(0.7))
    for run, baseline in ((doubles, singles), (singles, doubles)):
        outcomes = [verdict.outcome for verdict in judge_against(run, baseline, names, Tolerance())]
        assert outcomes == ["passed", "passed"]
