from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.errors import ConfigError
from tbcli.gates import Condition, Field, all_hold, grammar, names_asked, parse_conditions, parse_field, parse_fields
from tbcli.runs.summary import Metric, Summary

FACTS = {"epoch": 5, "epochs": 5, "status": "finished", "name": "my run", "started": "2026-11-22T12:00:00.000Z"}
FACTS |= {"model": "cnn", "age": 60.0}
SUMMARY = Summary(
    "a run",
    "id",
    {
        "val_accuracy": Metric(0.99, 4, 0.98),
        "test_accuracy": Metric(0.985, None, 0.985, is_series=False),
        "broken": Metric(math.nan, None, math.nan),
        "gradients/dense 1": Metric(9, 1, 12),
        "odd.best": Metric(1, 1, 2),
    },
    FACTS.get,
    lambda: {
        "train.seed": 3,
        "train.name": "x",
        "model.name": "cnn",
        "train.deterministic": True,
        "a.lists": ["b", "c"],
    },
)


@pytest.mark.parametrize(
    "expression",
    [
        "val_accuracy>=0.98", "val_accuracy >= 0.98", "val_accuracy.last=0.98", "val_accuracy==0.98",
        "val_accuracy<98.1%", "val_accuracy.best>0.98", "val_accuracy.epoch<=4", "val_accuracy!=0.5",
        "test_accuracy>98%", "test_accuracy.best>.9", "epoch<=20", "epochs=5", "status=finished",
        "started>=2026-11-22", "model=cnn", "model.name=cnn", "train.seed=3", "seed=3", "seed>2", "age<3600",
        "name='my run'", 'name="my run"', "deterministic=true", "train.deterministic!=no", "lists=b,c",
        '"gradients/dense 1".best<10', "'gradients/dense 1'>11", '"odd.best"=2', "odd.best.best=1",
        "val_accuracy>0.9 and model=cnn", "val_accuracy>0.9 AND model=cnn and seed=3", "val_accuracy<inf",
    ],
)  # fmt: skip
def test_what_holds(expression: str) -> None:
    assert all_hold(parse_conditions(expression), SUMMARY)


@pytest.mark.parametrize(
    "expression",
    [
        "val_accuracy>0.98", "val_accuracy.best<0.99", "status=failed", "seed!=3", "val_accuracy>0.9 and seed=4",
        "broken>0", "broken<1", "broken!=1", "broken.best!=1", "broken.epoch<5", "nothing=1",
        "test_accuracy.epoch<5", "name=''", "odd.best>0", "model.best=cnn", "val_accuracy>0.9 and nothing<1",
    ],
)  # fmt: skip
def test_what_does_not_hold(expression: str) -> None:
    assert not all_hold(parse_conditions(expression), SUMMARY)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("loss", "'loss' has no comparison; write e.g. loss<0.1"),
        ("loss.best", "'loss.best' has no comparison"),
        ("a or b<1", "'a' has no comparison"),
        ("(a)", "'a' has no comparison"),
        ("loss>", "unexpected"),
        ("loss=>1", "unexpected"),
        ("loss>1 || x<2", "unsupported operator '||'"),
        ("loss>1 and", "a condition is missing at the end"),
        ("loss>1 or", "a condition is missing at the end"),
        ("loss>1 x<2", "unexpected 'x<2' in condition"),
        ('"loss>1', "unexpected"),
        ("a=b=c", "unexpected"),
        ("loss>nan", "cannot compare with 'nan'"),
        ("(loss>1", "missing ')'"),
        ("(loss>1 or (x<2)", "missing ')'"),
        ("loss>1)", "unexpected ')'"),
        ("()", "unexpected ')'"),
        ("(" * 60 + "x<1" + ")" * 60, "unexpected"),
    ],
)
def test_what_cannot_be_read_is_named(expression: str, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        parse_conditions(expression)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("a<1 or b<2 and c=3", ["a<1 or (b<2 and c=3)"]),
        ("a<1 and b<2 or c=3", ["(a<1 and b<2) or c=3"]),
        ("(a<1 or b<2) and c=3", ["a<1 or b<2", "c=3"]),
        ("c=3 AND (a<1 OR b<2)", ["c=3", "a<1 or b<2"]),
        ("((a<1))", ["a<1"]),
        ("(a<1)and(b<2)", ["a<1", "b<2"]),
        ("a<1 or (b<2 or c<3)", ["a<1 or b<2 or c<3"]),
        ("a<1 and (b<2 and (c<3 or d<4))", ["a<1", "b<2", "c<3 or d<4"]),
        ("mAP50(B)>0.5", ["mAP50(B)>0.5"]),
        ("(metrics/mAP50(B)>0.5 or x<1)", ["metrics/mAP50(B)>0.5 or x<1"]),
        ("loss@step.best<1", ["loss@step.best<1"]),
        ("oracle<1 and android=2", ["oracle<1", "android=2"]),
        ("name='a or b'", ['name="a or b"']),
    ],
)
def test_and_binds_more_strongly_than_or_and_parentheses_group(expression: str, read: list[str]) -> None:
    gates = parse_conditions(expression)
    assert [str(gate) for gate in gates] == read
    assert parse_conditions(" and ".join(f"({gate})" for gate in gates)) == gates


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("seed=3 or seed=4", True), ("seed=4 or nothing<1", False), ("nothing<1 or seed=3", True),
        ("broken<1 or broken>=1", False), ("seed=4 and seed=3 or model=cnn", True),
        ("seed=4 and (seed=3 or model=cnn)", False), ("(seed=3 or seed=4) and (model=mlp or epoch<9)", True),
    ],
)  # fmt: skip
def test_or_holds_where_one_of_its_conditions_does(expression: str, holds: bool) -> None:
    assert all_hold(parse_conditions(expression), SUMMARY) is holds


def test_every_name_of_an_expression_is_known() -> None:
    (gate,) = parse_conditions("a<1 or (b.best<2 and c=3)")
    assert list(names_asked(gate)) == [Field("a"), Field("b", "best"), Field("c")]


def test_a_number_does_not_compare_with_a_word() -> None:
    with pytest.raises(ConfigError, match="is a number"):
        all_hold(parse_conditions("val_accuracy>high"), SUMMARY)


def test_a_list_of_names_keeps_what_is_quoted() -> None:
    assert parse_fields('id,"a,b c".best,train.seed') == (Field("id"), Field("a,b c", "best"), Field("train.seed"))
    for text in ("", "a b", '"open', "a>1"):
        with pytest.raises(ConfigError):
            parse_fields(text)


NAMES = st.text(min_size=1, max_size=12)


@given(
    NAMES, st.sampled_from(["", "best", "last", "epoch"]), st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), st.text()
)
def test_what_is_written_is_read_back(name: str, selector: str, sign: str, value: str) -> None:
    condition = Condition(Field(name, selector), sign, value)
    if value.lower() not in ("nan", "+nan", "-nan"):
        assert parse_conditions(f"{condition} and epoch<3")[0] == condition
    assert parse_field(str(condition.field)) == condition.field


@pytest.mark.parametrize("text", ["epoch<=20", "best=1", "train.seed=3", '"odd.best"=2', '"a b".last<1', 'name="x y"'])
def test_a_condition_is_shown_as_one_would_type_it(text: str) -> None:
    assert [str(condition) for condition in parse_conditions(text)] == [text]


@given(st.text())
def test_no_expression_is_a_bug(expression: str) -> None:
    try:
        parse_conditions(expression)
    except ConfigError as error:
        assert error.message  # noqa: PT017 - either is right


def test_every_example_of_the_table_is_read() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", grammar.__doc__ or "", re.MULTILINE)
    examples = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(examples) > 12
    for text in examples:
        if any(sign in text for sign in "<>="):
            assert parse_conditions(text)
        else:
            assert parse_field(text)
