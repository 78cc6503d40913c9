"""The saved model of a table takes its raw columns: words are coded and gaps are filled inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tbcli.data.dataset import Column
from tbcli.models.preparing import layer_name

_ROW = "row"


def with_raw_columns(model: Any, columns: Sequence[Column], *, plain_names: bool = False) -> Any:
    """Return a model of ``{input name: [batch, 1]}``, numbers as float32 and categories as strings.

    A missing number is NaN; an unknown category, or an empty one, is as it was in training when it was missing.

    Args:
        model: Takes the columns as numbers and codes ``[batch, columns]``.
        columns: In their order.
        plain_names: See `input_names`.
    """
    names = input_names(columns, plain=plain_names)
    inputs = {name: _input(name, column) for name, column in zip(names, columns, strict=True)}
    parts = [_number_of(inputs[name], columns[place], place) for place, name in enumerate(names)]
    x = layers.Concatenate(dtype="float32", name=_ROW)(parts)
    in_order = dict(sorted(inputs.items()))  # as Keras reads them, else it warns at each call
    return keras.Model(in_order, model(x), name=f"{model.name}_of_columns")


def input_names(columns: Sequence[Column], *, plain: bool = False) -> tuple[str, ...]:
    """Return what the saved model calls each column: its name, in which Keras allows no slash.

    Args:
        columns: In their order.
        plain: Whether only letters, digits and ``_`` are allowed, as in a SavedModel.
    """
    names: list[str] = []
    for place, column in enumerate(columns):
        name = layer_name(column, place) if plain else column.name.replace("/", "_") or f"column{place + 1}"
        names.append(name if name not in names else f"{name}_{place + 1}")
    return tuple(names)


def raw_rows(matrix: np.ndarray, columns: Sequence[Column], *, plain_names: bool = False) -> dict[str, Any]:
    """Return rows ``[n, columns]`` of numbers and codes as what the saved model takes."""
    rows = {}
    for place, name in enumerate(input_names(columns, plain=plain_names)):
        values = matrix[:, place : place + 1]
        if columns[place].kind != "number":
            values = np.array(["", *columns[place].vocabulary], object)[values.astype(int)]
        rows[name] = ops.convert_to_tensor(values.tolist(), dtype=_dtype(columns[place]))
    return dict(sorted(rows.items()))


def is_of_columns(model: Any) -> bool:
    """Return whether a model is one that `with_raw_columns` made."""
    return isinstance(getattr(model, "input", None), dict) and any(layer.name == _ROW for layer in model.layers)


def without_raw_columns(model: Any, columns: Sequence[Column]) -> Any:
    """Return the model inside one of raw columns, for the same columns.

    Raises:
        ValueError: It was trained on other columns, or codes them otherwise.
    """
    names = input_names(columns)
    if set(model.input) != set(names):
        raise ValueError(f"it takes the columns {', '.join(model.input)}; the data have {', '.join(names)}")
    expected = _every_code(columns)
    found = keras.Model(model.input, model.get_layer(_ROW).output)(raw_rows(expected, columns))
    unlike = np.flatnonzero((np.asarray(found) != expected).any(axis=0))
    if len(unlike):
        raise ValueError(f"it was trained on other values of the column {columns[unlike[0]].name!r}")
    inner = model.layers[-1]
    inner.compiled = False  # Keras compiles a model inside the model whatever it was asked
    return inner


def _every_code(columns: Sequence[Column]) -> np.ndarray:
    """Return rows ``[n, columns]`` that hold every code of every category, and a different number in each place."""
    rows = max(len(column.vocabulary) + 1 for column in columns)
    numbers = np.arange(rows * len(columns), dtype=np.float32).reshape(rows, len(columns))
    for place, column in enumerate(columns):
        if column.kind != "number":
            numbers[:, place] = np.arange(rows) % (len(column.vocabulary) + 1)
    return numbers


def _dtype(column: Column) -> str:
    return "float32" if column.kind == "number" else "string"


def _input(name: str, column: Column) -> Any:
    return keras.Input((1,), dtype=_dtype(column), name=name)


def _number_of(x: Any, column: Column, place: int) -> Any:
    if column.kind == "number":
        return ops.where(ops.isnan(x), column.fill, x)
    codes = layers.StringLookup(
        vocabulary=list(column.vocabulary), num_oov_indices=1, name=f"{layer_name(column, place)}_code"
    )(x)
    return ops.cast(codes, "float32")
