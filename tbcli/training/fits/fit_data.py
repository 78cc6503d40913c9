"""The training data of somebody's own `fit`, which `tbcli run` sees and a callback alone does not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tbcli.data.dataset import Dataset, Split
from tbcli.tasks import CLASSIFICATION
from tbcli.training.fits.compiled import Compiled
from tbcli.training.fits.fit_evidence import Unreadable, names_of, read_labels


def read_given(name: str, given: Mapping[str, Any], compiled: Compiled, model: keras.Model) -> Dataset:
    """Return the samples to train on and to validate with, as far as they are arrays.

    Args:
        name: What the data are called.
        given: The arguments of `fit`, by name.
        compiled: What the model was compiled for.
        model: It tells how many classes, labels or values a sample has.

    Raises:
        Unreadable: The training data are no arrays, or no labels of the task.
    """
    if compiled.task is None:
        raise Unreadable(compiled.reason)
    width = _width(model)
    if compiled.task is CLASSIFICATION:
        width = max(width, 2)  # one sigmoid tells two classes
    inputs, labels = _arrays(given.get("x"), given.get("y"), compiled, width)
    share = given.get("validation_split") or 0.0
    train = len(labels) if given.get("validation_data") is not None else math.floor(len(labels) * (1.0 - share))
    validation = _validation(given, compiled, width)
    if validation is None and train < len(labels):  # Keras takes the last ones
        validation = Split(inputs, labels, np.arange(train, len(labels)))
    names = names_of(compiled.task, width)
    return Dataset(name, Split(inputs, labels, np.arange(train)), validation, None, names, task=compiled.task)


def _width(model: keras.Model) -> int:
    """Return how many values the one output of a model has for a sample."""
    outputs: Any = getattr(model, "outputs", None) or ()
    shape: tuple[int | None, ...] = tuple(outputs[0].shape) if len(outputs) == 1 else ()
    if len(shape) != 2 or not shape[-1]:
        raise Unreadable("how many values an output has is not known before the first step")
    return int(shape[-1])


def _validation(given: Mapping[str, Any], compiled: Compiled, width: int) -> Split | None:
    pair = given.get("validation_data")
    if not isinstance(pair, (tuple, list)) or len(pair) < 2:
        return None
    try:
        inputs, labels = _arrays(pair[0], pair[1], compiled, width)
    except Unreadable:
        return None
    return Split(inputs, labels, np.arange(len(labels)))


def _arrays(inputs: Any, labels: Any, compiled: Compiled, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and their labels as the task has them."""
    if not isinstance(inputs, np.ndarray) or inputs.ndim < 2 or inputs.dtype.kind not in "biuf":
        raise Unreadable(f"the training data are no array of numbers but {_described(inputs)}")
    if not isinstance(labels, np.ndarray) or len(labels) != len(inputs) or not len(labels):
        raise Unreadable(f"the labels are no array but {_described(labels)}")
    assert compiled.task is not None
    return inputs, read_labels(compiled.task, labels, width)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} {value.shape}"
    return type(value).__name__
