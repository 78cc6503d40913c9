"""Data sets of noise, for models that are built and not trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.data.dataset import Column, Dataset, cut_splits
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, Task

COLUMNS = (
    Column("age/years", mean=40.0, std=10.0, fill=38.0),
    Column("colour", "category", ("green", "red")),
    Column("town", "category", tuple(f"town {number}" for number in range(40))),
)
"""A number, a category of few values and one of many."""


def noise(
    *shape: int, classes: int = 10, task: Task = CLASSIFICATION, dtype: Any = np.uint8, samples: int = 20
) -> Dataset:
    """Return samples of one shape, of values from 0 to 255."""
    inputs = np.random.default_rng(0).integers(0, 256, (samples, *shape)).astype(dtype)
    return _data_set(inputs, classes, task)


def table(
    columns: Sequence[Column] = COLUMNS, *, classes: int = 3, task: Task = CLASSIFICATION, samples: int = 20
) -> Dataset:
    """Return rows of numbers and codes."""
    random = np.random.default_rng(0)
    inputs = [
        random.normal(each.mean, each.std, samples)
        if each.kind == "number"
        else random.integers(0, len(each.vocabulary) + 1, samples)
        for each in columns
    ]
    return _data_set(np.stack(inputs, axis=1).astype(np.float32), classes, task, columns=tuple(columns))


def _data_set(inputs: np.ndarray, classes: int, task: Task, **told: Any) -> Dataset:
    random, samples = np.random.default_rng(1), len(inputs)
    labels: np.ndarray
    if task is CLASSIFICATION:
        labels = np.arange(samples, dtype=np.int64) % classes
    elif task is MULTI_LABEL:
        labels = random.integers(0, 2, (samples, classes)).astype(np.uint8)
    else:
        labels = random.normal(3e5, 1e4, (samples, classes)).astype(np.float32)
    names = tuple(map(str, range(classes)))
    return cut_splits("noise", (inputs, labels), None, names, DataConfig(), task=task, **told)
