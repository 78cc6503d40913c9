"""Findings about the answers of a trained model: rare classes that it hardly ever gives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tbcli.doctor.course import Known
from tbcli.doctor.findings import Finding
from tbcli.naming.shortening import few
from tbcli.runs.evidence import Predictions

_RARE = 3  # times as frequent as a rare class the most frequent one is, at least
_FEWEST = 10  # samples of a class that show anything
_SURE = 2.58  # standard deviations: classes are many, and each may look bad by chance
_FOUND_AT_MOST = 0.5
_ALIKE = 0.05  # of a probability, or of how values spread: predictions that hardly differ
_TOLD = 3  # classes told by name


@dataclass(frozen=True, slots=True)
class Recall:
    """How often each class occurs and is found.

    Args:
        names: Of the classes ``[classes]``.
        occurs: Samples of each class ``[classes]``.
        found: How many of these are found ``[classes]``.
        samples: How many there are in all: with several labels a sample counts for each of them.
    """

    names: Sequence[str]
    occurs: np.ndarray
    found: np.ndarray
    samples: int

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of the samples that each class has."""
        return tuple((self.occurs / max(1, self.samples)).tolist())

    @property
    def mean(self) -> float:
        """The mean over the classes that occur of the share that is found."""
        occurs = self.occurs > 0
        return float(np.mean(self.found[occurs] / self.occurs[occurs])) if occurs.any() else math.nan


def variety_of(predictions: Predictions) -> tuple[str, bool]:
    """Return what a saved model answers, as a clause, and whether that is much the same for every sample.

    Args:
        predictions: For the samples of one split; there are some.
    """
    outputs, labels = predictions.outputs.reshape(len(predictions.outputs), -1), predictions.labels
    low, high = float(np.nanmin(outputs)), float(np.nanmax(outputs))
    if not predictions.task.has_classes:
        spread = float(np.nanstd(outputs, axis=0).max())
        return f"from {low:.3g} to {high:.3g}", spread < _ALIKE * float(np.nanstd(labels, axis=0).max())
    ranges = float((outputs.max(axis=0) - outputs.min(axis=0)).max())
    told = f"probabilities from {low:.2g} to {high:.2g}"
    if labels.ndim == 1:
        counts = np.bincount(predictions.guesses.astype(np.int64), minlength=len(predictions.class_names))
        most = int(counts.argmax())
        told = (
            f"{counts[most]:,} of {len(labels):,} {predictions.split} samples {predictions.class_names[most]!r}, {told}"
        )
    return told, ranges < _ALIKE


def recall_of(labels: np.ndarray, guesses: np.ndarray, names: Sequence[str]) -> Recall:
    """Return how often each class is found.

    Args:
        labels: True class numbers ``[n]``, or labels of 0 and 1 ``[n, classes]``.
        guesses: What the model answers, alike.
        names: Of the classes.
    """
    if labels.ndim == 1:
        right = labels[labels == guesses].astype(np.int64)
        occurs, found = (np.bincount(each, minlength=len(names)) for each in (labels.astype(np.int64), right))
    else:
        occurs, found = (labels > 0).sum(axis=0), ((labels > 0) & (guesses > 0)).sum(axis=0)
    return Recall(names, occurs, found, len(labels))


def findings_on_classes(recall: Recall, known: Known, split: str, *, is_balanced: bool = False) -> Iterator[Finding]:
    """Yield the rare classes that are hardly ever found.

    Args:
        recall: Measured with the saved model.
        known: What is known of the training.
        split: On which samples.
        is_balanced: Whether training weighed the classes already.
    """
    is_rare = recall.occurs * _RARE <= recall.occurs.max(initial=0)
    is_told = recall.occurs >= _FEWEST
    is_lost = _at_most(recall.found, recall.occurs) < _FOUND_AT_MOST
    lost = np.flatnonzero(is_rare & is_told & is_lost)
    if not len(lost):
        return
    told = [
        f"{recall.names[i]!r} ({recall.found[i]} of {recall.occurs[i]}, {recall.shares[i]:.1%} of the samples)"
        for i in map(int, lost)
    ]
    collect = "collect more samples of these classes, or weigh them more in the loss"
    yield Finding(
        level="warning",
        name="class-imbalance",
        what=f"rare classes are hardly ever predicted for the {split} samples: {few(told, _TOLD)}",
        why="the frequent classes dominate the loss, and the accuracy looks good without the rare ones",
        fix=collect if is_balanced or known.task != "classification" else known.again("--balance", collect),
        where=f"{split} samples",
    )


def _at_most(found: np.ndarray, occurs: np.ndarray) -> np.ndarray:
    """Return the upper bound of the share that is found, by Wilson's interval ``[classes]``."""
    count = np.maximum(occurs, 1)
    share, squared = found / count, _SURE**2
    middle = share + squared / (2 * count)
    spread = _SURE * np.sqrt(share * (1 - share) / count + squared / (4 * count**2))
    bound: np.ndarray = (middle + spread) / (1 + squared / count)
    return bound
