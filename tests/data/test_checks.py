"""Checks of data hold for all sources: each fault has a message of its own, before training starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tbcli.data.checks import check_dataset
from tbcli.data.dataset import Column, Dataset, Split
from tbcli.errors import DoesNotFit
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task

X = np.random.default_rng(0).random((20, 4)).astype(np.float32)
Y = np.arange(20) % 2
VALUES = X[:, :2].copy()


def split(inputs: Any = X, labels: np.ndarray = Y) -> Split:
    return Split(inputs, labels, np.arange(len(labels), dtype=np.int64))


def dataset(train: Split, test: Split | None = None, task: Task = CLASSIFICATION, names: str = "ab") -> Dataset:
    return Dataset("mine", train, None, test, tuple(names), task)


def changed(array: np.ndarray, place: Any, value: float) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


def test_sound_data_pass() -> None:
    assert check_dataset(dataset(split())) == ()
    assert check_dataset(dataset(split(labels=VALUES), split(labels=VALUES), REGRESSION)) == ()
    assert check_dataset(dataset(split(labels=np.stack([Y, 1 - Y], 1).astype(np.uint8)), None, MULTI_LABEL)) == ()
    assert check_dataset(dataset(split(np.zeros((20, 3, 3, 1), np.uint8)))) == ()


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (dataset(split(X[:19])), "the train split has 19 inputs and 20 targets"),
        (dataset(split(), split(X[:0], Y[:0])), "the test split has no samples"),
        (dataset(split(), split(X[:, :3])), r"a training input has shape \[4\], one of the test split \[3\]"),
        (dataset(split(X[:, :0])), r"an input has shape \[0\]"),
        (dataset(split(labels=changed(Y, 3, 2))), "the train split has label 2, but classes count from 0 to 1"),
        (dataset(split(), split(labels=changed(Y, 3, -1))), "the test split has label -1"),
        (dataset(split(X[:1], Y[:1])), "there is 1 training sample"),
        (dataset(split(changed(X, (3, 2), np.nan))), "train split .*: sample 3 is NaN in value 2"),
        (dataset(split(), split(changed(X, (5, 0), -np.inf))), "test split .*: sample 5 is infinite in value 0"),
        (dataset(split(labels=Y * 0)), "all samples belong to one class: 'a'"),
        (dataset(split(), names="a"), "label 1, but classes count from 0 to 0"),
        (dataset(split(), names="abcd"), "2 classes have no samples: c, d"),
        (dataset(split(labels=Y * 0), split()), "all 20 training samples belong to one class: 'a'"),
        (dataset(split(labels=VALUES), None, REGRESSION, "abc"), "but 3 have names"),
        (
            dataset(split(labels=changed(VALUES, (3, 1), np.nan)), None, REGRESSION),
            "targets of the train split are NaN",
        ),
        (dataset(split(labels=VALUES * 0 + 3), None, REGRESSION), "targets of all training samples are the same"),
        (dataset(split(labels=VALUES[:, :1] * 0 + 3), None, REGRESSION, "a"), "targets of all training samples are 3"),
    ],
)
def test_a_fault_has_a_message_of_its_own(faulty: Dataset, message: str) -> None:
    with pytest.raises(DoesNotFit, match=message) as caught:
        check_dataset(faulty)
    assert caught.value.hint


def test_a_column_is_called_by_its_name() -> None:
    table = replace(
        dataset(split(changed(X, (3, 2), np.inf))), columns=tuple(map(Column, ("age", "size", "fare", "z")))
    )
    with pytest.raises(DoesNotFit, match="sample 3 is infinite in column 'fare'"):
        check_dataset(table)


def test_what_is_only_odd_is_said() -> None:
    (said,) = check_dataset(dataset(split(), split(labels=changed(Y, 3, 2)), names="abc"))
    assert said == "1 class has samples, but none in the training split: c"
    (said,) = check_dataset(dataset(split(labels=changed(VALUES, (slice(None), 1), 3)), None, REGRESSION))
    assert said == "target 'b' is 3 in all training samples"


def test_one_class_or_sample_is_enough_to_measure_by() -> None:
    assert check_dataset(dataset(split(labels=Y * 0)), to_train=False) == ()
    assert check_dataset(dataset(split(X[:1], Y[:1])), to_train=False) == ()
    with pytest.raises(DoesNotFit, match="is NaN"):
        check_dataset(dataset(split(changed(X, (3, 2), np.nan))), to_train=False)


def test_large_numbers_are_no_infinity() -> None:
    assert check_dataset(dataset(split(np.full((20, 4), 3e38, np.float32)))) == ()
