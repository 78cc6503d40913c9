"""The last layer follows from the task; it is float32 under every policy."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from keras import layers

from tbcli.data.dataset import Dataset


def add_head(x: Any, dataset: Dataset, taken: Collection[str] = (), *, starts_at_zero: bool = False) -> Any:
    """Return probabilities ``[batch, classes]``, or values ``[batch, k]`` in the targets' own units.

    A softmax in half precision would round most confidences to exactly 1. Values begin at the mean of the training
    targets and are scaled by their standard deviation, so that targets of any size are learnt equally fast.

    Args:
        x: Features ``[batch, width]``.
        dataset: What is learnt.
        taken: Names of layers that are there already.
        starts_at_zero: Whether the weights begin at 0, which is the best guess where nothing before them learns.
    """
    task = dataset.task
    units, activation = task.outputs(len(dataset.class_names)), task.activation()
    if activation != "linear":
        name = _free(task.outputs_are, taken)
        kernel = "zeros" if starts_at_zero else "glorot_uniform"
        return layers.Dense(units, activation=activation, kernel_initializer=kernel, dtype="float32", name=name)(x)
    mean, std = _target_statistics(dataset)
    standard = layers.Dense(units, kernel_initializer="zeros", dtype="float32", name=_free("standardized", taken))(x)
    return layers.Rescaling(std.tolist(), mean.tolist(), dtype="float32", name=_free(task.outputs_are, taken))(standard)


def _free(name: str, taken: Collection[str]) -> str | None:
    """Return the name, or None, for which Keras finds one, where it is taken."""
    return None if name in taken else name


def _target_statistics(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the training targets ``[k]``; 1 where they do not vary."""
    targets = np.asarray(dataset.train.labels[dataset.train.positions], np.float64)
    std = targets.std(axis=0)
    return targets.mean(axis=0), np.where(std > 0, std, 1.0)
