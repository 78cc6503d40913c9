"""The saved model of a table takes its raw columns: words are coded and gaps are filled inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tbcli.data.dataset import Column
from tbcli.models.preparing import layer_name


def with_raw_columns(model: Any, columns: Sequence[Column]) -> Any:
    """Return a model of ``{input name: [batch, 1]}``, numbers as float32 and categories as strings.

    A missing number is NaN; an unknown category, or an empty one, is as it was in training when it was missing.

    Args:
        model: Takes the columns as numbers and codes ``[batch, columns]``.
        columns: In their order.
    """
    inputs = {name: _input(name, column) for name, column in zip(input_names(columns), columns, strict=True)}
    inputs = dict(sorted(inputs.items()))  # the order in which Keras reads them, else it warns at each call
    parts = [
        _number_of(inputs[name], column, place)
        for place, (name, column) in enumerate(zip(input_names(columns), columns, strict=True))
    ]
    x = parts[0] if len(parts) == 1 else layers.Concatenate(dtype="float32", name="row")(parts)
    return keras.Model(inputs, model(x), name=f"{model.name}_of_columns")


def input_names(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return what the saved model calls each column: its name, in which Keras allows no slash."""
    names: list[str] = []
    for place, column in enumerate(columns):
        name = column.name.replace("/", "_") or f"column{place + 1}"
        names.append(name if name not in names else f"{name}_{place + 1}")
    return tuple(names)


def raw_rows(matrix: np.ndarray, columns: Sequence[Column]) -> dict[str, Any]:
    """Return rows ``[n, columns]`` of numbers and codes as what the saved model takes."""
    rows = {}
    for place, (name, column) in enumerate(zip(input_names(columns), columns, strict=True)):
        values = matrix[:, place : place + 1]
        if column.kind != "number":
            words = np.array(["", *column.vocabulary], object)
            values = words[values.astype(int)]
        rows[name] = ops.convert_to_tensor(values.tolist(), dtype=_dtype(column))
    return dict(sorted(rows.items()))


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
