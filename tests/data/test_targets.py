"""Targets of every kind are understood alike, whatever they come from; what cannot be learnt says why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.data.targets import FEW_CLASSES, read_targets
from tbcli.errors import DoesNotFit

RANDOM = np.random.default_rng(0)
DIGITS = np.arange(200) % 10


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (DIGITS, "0123456789"),
        (DIGITS.astype(np.uint8)[:, np.newaxis], "0123456789"),
        (DIGITS[:, np.newaxis, np.newaxis], "0123456789"),
        (np.eye(10)[DIGITS], "0123456789"),
        (np.eye(10, dtype=bool)[DIGITS], "0123456789"),
        (np.array(list("abcdefghij"))[DIGITS], "abcdefghij"),
        (np.array(list("abcdefghij"))[DIGITS].astype(bytes), "abcdefghij"),
        (np.array(list("abcdefghij"), object)[DIGITS], "abcdefghij"),
        (DIGITS.astype(object), "0123456789"),
        (DIGITS.astype(np.float64), "0123456789"),
        (DIGITS.astype(">i2"), "0123456789"),
    ],
)
def test_classes_are_classes_in_whatever_form(values: np.ndarray, names: str) -> None:
    targets = read_targets(values)
    assert targets.task.name == "classification"
    assert targets.names == tuple(names)
    assert targets.labels.dtype == np.int64
    assert np.array_equal(targets.labels, DIGITS)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (DIGITS + 1, tuple(map(str, range(1, 11)))),
        (np.where(DIGITS > 4, 1, -1), ("-1", "1")),
        (DIGITS % 3 - 1, ("-1", "0", "1")),
        (DIGITS % 5 - 2, ("-2", "-1", "0", "1", "2")),
        (DIGITS * 100, tuple(str(100 * i) for i in range(10))),
        (np.array([str(i) for i in DIGITS * 100]), tuple(str(100 * i) for i in range(10))),
        (DIGITS > 4, ("false", "true")),
        (np.where(DIGITS > 4, 2.0, 1.0), ("1", "2")),
    ],
)
def test_other_values_become_classes_by_their_order(values: np.ndarray, names: tuple[str, ...]) -> None:
    targets = read_targets(values)
    assert targets.task.name == "classification"
    assert targets.names == names
    assert len(set(targets.labels.tolist())) == len(names)
    order = np.argsort(targets.labels, kind="stable")
    assert (np.diff(values[order].astype(float)) >= 0).all()


def test_floats_that_are_whole_are_a_guess_that_is_told() -> None:
    assert not read_targets(DIGITS).notes
    assert "--task regression" in read_targets(DIGITS.astype(float)).notes[0]
    assert "--task regression" in read_targets(DIGITS, few=FEW_CLASSES).notes[0]


@pytest.mark.parametrize(
    "values", [RANDOM.random(200), RANDOM.random((200, 1)), RANDOM.random((200, 3)), np.arange(200), DIGITS + 0.5]
)
def test_numbers_are_values(values: np.ndarray) -> None:
    targets = read_targets(values)
    assert targets.task.name == "regression"
    assert targets.labels.dtype == np.float32
    assert targets.labels.shape == (200, values.shape[1] if values.ndim == 2 else 1)
    assert len(targets.names) == targets.labels.shape[1]


def test_many_whole_numbers_are_values_and_that_is_told() -> None:
    assert "distinct numbers: treated as values" in read_targets(np.arange(200)).notes[0]
    assert read_targets(np.arange(200) % 50).task.name == "classification"
    assert read_targets(np.arange(200) % 50, few=FEW_CLASSES).task.name == "regression"


def test_several_ones_in_a_row_are_labels() -> None:
    values = (RANDOM.random((200, 4)) > 0.5).astype(int)
    targets = read_targets(values)
    assert targets.task.name == "multi-label"
    assert targets.labels.dtype == np.uint8
    assert np.array_equal(targets.labels, values)
    assert targets.names == ("0", "1", "2", "3")


def test_the_task_that_is_asked_for_wins() -> None:
    assert read_targets(DIGITS, "regression").labels.shape == (200, 1)
    assert read_targets(np.eye(10)[DIGITS], "multi-label").task.name == "multi-label"
    assert read_targets(np.eye(10)[DIGITS], "regression").labels.shape == (200, 10)
    assert len(read_targets(np.arange(200), "classification").names) == 200
    assert len(read_targets(DIGITS + 0.5, "classification").names) == 10


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (np.array(["a", "b"] * 9), "regression", "strings such as 'a'"),
        (np.array([["a", "b"]] * 9), "auto", "2 strings per sample"),
        (DIGITS, "multi-label", "one number per sample"),
        (np.ones((9, 2)), "classification", "not one-hot"),
        (np.full((9, 2), 0.5), "multi-label", "hold 0.5"),
        (RANDOM.random(200), "classification", "200 distinct fractional numbers"),
        (np.array([f"text {i}" for i in range(300)]), "auto", "300 distinct strings in 300 samples"),
        (np.where(DIGITS == 9, -1, DIGITS), "auto", "20 of the targets are -1, below the classes 0 to 8"),
        (
            np.where(DIGITS == 3, np.nan, 0.5),
            "auto",
            "20 of 200 targets are NaN or infinite; the first is NaN, of sample 3",
        ),
        (np.where(DIGITS == 3, np.inf, 0.5), "auto", "the first is infinite, of sample 3"),
        (RANDOM.random(200) * 1e300, "auto", "beyond the range of float32"),
        (np.array([1]), "auto", "only one sample"),
        (np.array([], np.int64), "auto", r"have shape \[0\]"),
        (np.array(3), "auto", r"have shape \[\]"),
        (np.zeros((9, 2, 2)), "auto", r"have shape \[9, 2, 2\]"),
        (np.array([1, "a", None] * 3, object), "auto", "are objects: NoneType, int, str"),
        (np.array(["2024-01-01"] * 3, "datetime64[D]"), "auto", "of type datetime64"),
        (DIGITS + 1j, "auto", "of type complex128"),
    ],
)
def test_what_cannot_be_learnt_says_why(values: np.ndarray, task: str, message: str) -> None:
    with pytest.raises(DoesNotFit, match=message):
        read_targets(values, task)


def test_names_of_the_source_are_used_where_they_fit() -> None:
    assert read_targets(DIGITS % 2, names=("odd", "even", "none")).names == ("odd", "even", "none")
    words = read_targets(np.array(["b", "a"] * 9), names=("b", "a"))
    assert words.names == ("b", "a")
    assert words.labels[:2].tolist() == [0, 1]
    assert read_targets(np.eye(2)[DIGITS % 2], names=("x", "y")).names == ("x", "y")
    assert read_targets(DIGITS % 2 + 1, names=("x", "y", "z")).labels.max() == 2


@pytest.mark.parametrize("values", [DIGITS, np.eye(10)[DIGITS], DIGITS - 5])
def test_names_that_are_too_few_are_an_error(values: np.ndarray) -> None:
    with pytest.raises(DoesNotFit, match="names"):
        read_targets(values, names=("x", "y"))


@given(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=60))
def test_integers_never_lose_which_are_alike(numbers: list[int]) -> None:
    try:
        targets = read_targets(np.array(numbers, np.int64), "classification")
    except DoesNotFit:
        return
    alike = {(label, number) for label, number in zip(targets.labels.tolist(), numbers, strict=True)}
    assert len(alike) == len(set(numbers))


@pytest.mark.parametrize("values", [np.arange(400) % 47 + 18, np.arange(400) % 25, DIGITS + 1])
def test_integers_that_do_not_count_up_from_0_are_classes_with_a_word(values: np.ndarray) -> None:
    targets = read_targets(values)
    assert targets.task.name == "classification"
    assert "treated as classes, not values (`--task regression`)" in targets.notes[0]
    assert not read_targets(DIGITS).notes
