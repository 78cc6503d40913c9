"""Single inputs that give the target away: a column, or a pixel, by which alone it is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tbcli.data.dataset import Dataset

MOST_INPUTS = 20_000  # of one sample, beyond which nobody looks
_MOST_VALUES = 4_000_000  # that are looked at, but at least so many samples, and at most so many
_SAMPLES = (1000, 5000)
_LEAST_SAMPLES = 20  # to learn from, and to try it on
_NEARLY = 0.99  # accuracy, or R2, of a target that is given away
_LEAST_GAIN = 0.9  # of what the most frequent class leaves to be known


@dataclass(frozen=True, slots=True)
class Leak:
    """An input by which alone a target is predicted nearly without error.

    Args:
        place: Of the input, counted through a sample.
        target: Position of the label or value; 0 of classes.
        measure: ``accuracy`` or ``R2``.
        score: On samples that were not looked at.
    """

    place: int
    target: int
    measure: str
    score: float


def find_leaks(dataset: Dataset) -> list[Leak]:
    """Return the inputs that give a target away, the clearest first.

    From half of some training samples it is learnt which target goes with which value; for the others, the target of
    the nearest value is predicted.
    """
    size = int(np.prod(dataset.input_shape))
    if len(dataset.train) < 2 * _LEAST_SAMPLES or size > MOST_INPUTS:
        return []
    count = min(max(_MOST_VALUES // size, _SAMPLES[0]), _SAMPLES[1])
    chosen = np.unique(np.linspace(0, len(dataset.train) - 1, count).astype(np.int64))
    inputs, labels = dataset.train.batch(chosen)
    leaks = list(_leaks(np.asarray(inputs).reshape(len(inputs), -1), labels, len(dataset.class_names)))
    return sorted(leaks, key=lambda leak: -leak.score)


def _leaks(inputs: np.ndarray, labels: np.ndarray, classes: int) -> Iterator[Leak]:
    half = len(inputs) // 2
    for place in range(inputs.shape[1]):
        different, groups = np.unique(inputs[:half, place].astype(np.float64), return_inverse=True)
        if len(different) < 2:
            continue
        values = inputs[half:, place].astype(np.float64)
        for target in range(1 if labels.ndim == 1 else labels.shape[1]):
            column = labels if labels.ndim == 1 else labels[:, target]
            if column.dtype.kind == "f":
                measure, score = "R2", _explained(different, groups, values, column.astype(np.float64))
            else:
                numbers = column.astype(np.int64)
                measure, score = "accuracy", _accuracy(different, groups, values, numbers, max(2, classes))
            if score >= _NEARLY:
                yield Leak(place, target, measure, score)


def _accuracy(different: np.ndarray, groups: np.ndarray, values: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Return how often the usual class of the nearest value is right; 0 where that is hardly better than by chance."""
    seen, new = labels[: len(groups)], labels[len(groups) :]
    counts = np.bincount(groups * classes + seen, minlength=len(different) * classes)
    nearest = np.searchsorted((different[1:] + different[:-1]) / 2, values)
    right = float((counts.reshape(-1, classes).argmax(axis=1)[nearest] == new).mean())
    usual = float((new == np.bincount(seen).argmax()).mean())
    return right if right - usual >= _LEAST_GAIN * (1 - usual) > 0 else 0.0


def _explained(different: np.ndarray, groups: np.ndarray, values: np.ndarray, targets: np.ndarray) -> float:
    """Return the R2 of what lies between the targets of the nearest values."""
    seen, new = targets[: len(groups)], targets[len(groups) :]
    means = np.bincount(groups, seen) / np.bincount(groups)
    spread = float(((new - new.mean()) ** 2).sum())
    return 1 - float(((new - np.interp(values, different, means)) ** 2).sum()) / spread if spread else 0.0
