"""The data of somebody's own fit, as far as they are arrays."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tbcli.tasks import CLASSIFICATION, REGRESSION
from tbcli.training.fits.compiled import Compiled
from tbcli.training.fits.fit_data import read_given
from tbcli.training.fits.fit_evidence import Unreadable

pytestmark = pytest.mark.tf
X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10) % 2


def model_of(units: int) -> keras.Model:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)])


def compiled_for(task: Any, reason: str = "") -> Compiled:
    return Compiled(task, False, ("loss",), (), reason)


def read(units: int = 2, task: Any = CLASSIFICATION, **given: Any) -> Any:
    return read_given("n/a", {"x": X, "y": Y, **given}, compiled_for(task), model_of(units))


def test_the_last_samples_are_those_that_keras_validates_with() -> None:
    dataset = read(validation_split=0.25)
    assert dataset.train.positions.tolist() == list(range(7))
    assert dataset.validation.positions.tolist() == [7, 8, 9]
    assert dataset.validation.inputs is X
    assert dataset.class_names == ("0", "1")


def test_validation_data_of_their_own_come_before_a_split() -> None:
    dataset = read(validation_split=0.5, validation_data=(X[:4], Y[:4], np.ones(4)))
    assert (len(dataset.train), len(dataset.validation)) == (10, 4)
    assert read(validation_data=object()).validation is None
    assert read().validation is None


def test_one_sigmoid_tells_two_classes_and_values_are_values() -> None:
    assert read(units=1).class_names == ("0", "1")
    assert read(y=np.eye(2)[Y]).train.labels.tolist() == Y.tolist()
    assert read(units=1, task=REGRESSION, y=Y / 2).train.labels.shape == (10, 1)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"x": [1, 2]}, "no array of numbers but list"),
        ({"x": {"a": X}}, "but dict"),
        ({"x": np.array(["a"] * 10)[:, None]}, "but an array of <U1"),
        ({"x": np.arange(10)}, r"but an array of int64 \(10,\)"),
        ({"y": None}, "the labels are no array but NoneType"),
        ({"y": Y[:3]}, "the labels are no array but"),
        ({"y": Y + 7}, "no class numbers from 0 to 1"),
    ],
)
def test_other_data_are_left_out_with_a_reason(given: dict[str, Any], why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(**given)


def test_without_a_task_or_outputs_there_is_a_reason_too() -> None:
    with pytest.raises(Unreadable, match="two outputs"):
        read_given("n/a", {"x": X, "y": Y}, compiled_for(None, "two outputs"), model_of(1))
    with pytest.raises(Unreadable, match="before the first step"):
        read_given("n/a", {"x": X, "y": Y}, compiled_for(CLASSIFICATION), keras.Model())
