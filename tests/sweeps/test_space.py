"""The grammar of ``KEY=VALUES``."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.config import SETTINGS
from tbcli.errors import ConfigError
from tbcli.sweeps.space import (
    Dimension,
    dimension_from,
    is_varied,
    read_argument,
    read_dimension,
    reader_of,
    split_values,
)


def dimension(key: str, text: str) -> Dimension:
    setting = SETTINGS[key]
    return read_dimension(key, setting.name, text, reader_of(setting, setting.name), setting.kind)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a,b", ["a", "b"]),
        (" a , b ", ["a", "b"]),
        ('"a,b",c', ["a,b", "c"]),
        ("'a,b'", ["a,b"]),
        ("(1,2),(3,4)", ["(1,2)", "(3,4)"]),
        ('["x,y",{1,2}],z', ['["x,y",{1,2}]', "z"]),
        ("it's,x", ["it's", "x"]),
        ("", [""]),
        ("a,", ["a", ""]),
        ('" a "', [" a "]),
    ],
)
def test_commas_separate_but_for_those_in_quotes_or_brackets(text: str, values: list[str]) -> None:
    assert split_values(text) == values


@given(st.lists(st.text(st.characters(exclude_characters="\"'()[]{}"), max_size=5), min_size=1, max_size=4))
def test_quoted_values_come_back_as_they_were(values: list[str]) -> None:
    assert split_values(",".join(f'"{value}"' for value in values)) == values


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("train.learning_rate", "0.001,0.01", (0.001, 0.01)),
        ("train.batch_size", "64..512:log2", (64, 128, 256, 512)),
        ("train.batch_size", "64..500:log2", (64, 128, 256)),
        ("train.learning_rate", "1e-4..1e-1:log10", (0.0001, 0.001, 0.01, 0.1)),
        ("train.learning_rate", "1e-4..1e-2:log:3", (0.0001, 0.001, 0.01)),
        ("train.learning_rate", "1e-4..1e-2:3:log", (0.0001, 0.001, 0.01)),
        ("model.dropout", "0..0.5:3", (0.0, 0.25, 0.5)),
        ("model.dropout", "0..0.3:+0.1", (0.0, 0.1, 0.2, 0.3)),
        ("train.epochs", "2..5", (2, 3, 4, 5)),
        ("train.epochs", "1..9:3", (1, 5, 9)),
        ("train.epochs", "1..3:3", (1, 2, 3)),
        ("train.optimizer", "adam,sgd", ("adam", "sgd")),
        ("train.deterministic", "true,no", (True, False)),
        ("data.augment", '"flip,zoom",[flip],', ("flip,zoom", "flip", "")),
        ("data.source", "../a.csv,../b.csv", ("../a.csv", "../b.csv")),
    ],
)
def test_values_are_those_of_the_setting(key: str, text: str, values: tuple[object, ...]) -> None:
    found = dimension(key, text)
    assert found.values == values
    assert [type(value) for value in found.values] == [type(value) for value in values]
    assert dimension_from(key, found.as_dict()) == found


@pytest.mark.parametrize(
    ("key", "text", "match"),
    [
        ("train.learning_rate", "0.1,-1", "must be above 0"),
        ("train.learning_rate", "0.1,x", "must be a number"),
        ("train.learning_rate", "0.1,0.10", "twice"),
        ("train.learning_rate", "0.1..0.1", "upwards"),
        ("train.learning_rate", "1..0.1", "upwards"),
        ("train.learning_rate", "0.1..5000", "must be above 0"),
        ("train.learning_rate", "0.1..", "between two numbers"),
        ("train.learning_rate", "0.1..0.2,0.5", "mixes"),
        ("train.learning_rate", "0.1..0.2:lag", "cannot read 'lag'"),
        ("train.learning_rate", "0.1..0.2:1", "cannot read '1'"),
        ("train.learning_rate", "0.1..0.2:log2:3", "where the points are"),
        ("train.learning_rate", "0.1..0.2:log:+1", "stands alone"),
        ("model.dropout", "0..0.5:log", "begins above 0"),
        ("model.dropout", "0..0.5:+1e-9", "at most 1000"),
        ("train.batch_size", "1.5..3", "must be a whole number"),
        ("train.optimizer", "adam,sdg", "cannot be 'sdg'"),
        ("train.optimizer", "'adam,sgd", "is missing"),
        ("train.deterministic", "true..false", "no range"),
    ],
)
def test_what_is_wrong_is_said(key: str, text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        dimension(key, text)


@pytest.mark.parametrize("key", ["train.learning_rate", "train.batch_size", "model.dropout"])
@pytest.mark.parametrize("is_log", [False, True])
def test_samples_lie_in_the_range(key: str, is_log: bool) -> None:
    low = "0.001" if key != "train.batch_size" else "1"
    high = {"train.learning_rate": "1000", "train.batch_size": "999", "model.dropout": "0.9"}[key]
    found = dimension(key, f"{low}..{high}" + ":log" * is_log)
    assert not found.values
    source = random.Random(0)
    for _ in range(200):
        value = found.sample(source)
        SETTINGS[key].check(value)
        assert found.low <= value <= found.high
    assert dimension_from(key, found.as_dict()) == found


def test_a_word_varies_by_its_commas_and_dots() -> None:
    assert is_varied("1,2")
    assert is_varied("1..2")
    assert is_varied("'1,2")
    assert not is_varied("'1,2'")
    assert not is_varied("../x", is_text=True)


def test_arguments_of_scripts_are_numbers_where_they_look_it() -> None:
    assert [read_argument(text) for text in ("1", "0.1", "1e3", "x", "nan", "1e999", "01")] == [
        1, 0.1, 1000.0, "x", "nan", "1e999", 1,
    ]  # fmt: skip
    assert read_dimension("arguments.lr", "lr", "1..3", read_argument, None).values == (1, 2, 3)
    assert read_dimension("arguments.file", "file", "../a,../b", read_argument, None).values == ("../a", "../b")
