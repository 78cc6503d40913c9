"""Code that was changed is noticed, and what is written or numbered otherwise alone is not."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import pytest

from tbcli.training.continuing.code import code_changes, code_facts
from tbcli.usercode import load_user_object

pytestmark = pytest.mark.tf
NUMBERS = itertools.count()
SOURCE = '''
"""A docstring."""
import keras

SLOPE = 0.2

def bend(x):
    return keras.ops.maximum(x, SLOPE * x)

class Scale(keras.layers.Layer):
    def call(self, x):
        return 2.0 * x

def build():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, activation="relu")(inputs)
    y = keras.layers.Dense(3, activation=bend)(x)
    y = keras.layers.Dropout(0.5, seed=1)(Scale()(y))
    y = keras.layers.Lambda(lambda t: t + 1)(y)
    return keras.Model(inputs, keras.layers.Dense(1)(y - x))

def loss(y_true, y_pred):
    """Of a loss."""
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)
'''


def facts_of(directory: Path, source: str = SOURCE) -> dict[str, Any]:
    path = directory / f"own{next(NUMBERS)}.py"
    path.write_text(source)
    load = lambda name: load_user_object(f"{path}:{name}", what="function", signature="")  # noqa: E731
    model, loss = load("build")(), load("loss")
    model.compile(loss=loss)
    return {"code": code_facts(model, loss, [keras.metrics.MeanMetricWrapper(loss)])}


def changed(directory: Path, *edits: tuple[str, str]) -> list[str]:
    source = SOURCE
    for old, new in edits:
        assert old in source
        source = source.replace(old, new, 1)
    return [str(each) for each in code_changes(facts_of(directory), facts_of(directory, source))]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"relu"', '"tanh"', "other layers: 2 (Dense)"),
        ("SLOPE = 0.2", "SLOPE = 0.3", "other layers: 3 (Dense)"),
        ("2.0 * x", "3.0 * x", "(Scale)"),
        ("t + 1", "t - 1", "(Lambda)"),
        ("Dropout(0.5", "Dropout(0.4", "(Dropout)"),
        ("y - x", "x - y", "connected otherwise"),
        ("keras.layers.Dense(1)(y - x)", "keras.layers.Dense(1)(y)", "layers"),
        ("ops.square(", "ops.abs(", "loss with other code"),
    ],
)
def test_changed_code_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = changed(tmp_path, (old, new))
    assert said in found[0]
    assert len(found) == (2 if "loss" in said else 1)  # the metric is made of it


def test_what_is_only_written_otherwise_is_no_change(tmp_path: Path) -> None:
    edits = [
        ("A docstring", "Another"),
        ("Of a loss", "More"),
        ("seed=1", "seed=2"),
        ("SLOPE = 0.2", "# why\n\nSLOPE = 0.2"),
    ]
    assert changed(tmp_path, *edits, ("    y = keras.layers.Dense(3", "    y = keras.layers.Dense(units=3")) == []


def test_another_version_of_keras_is_not_compared(tmp_path: Path) -> None:
    before = facts_of(tmp_path)
    after = {"code": {**before["code"], "of": ["3.99", "9"], "whole": "x"}}
    assert code_changes(before, after) == code_changes({}, after) == []
