"""Precision, recall, F1 and support of classes, and of labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class ClassReport:
    """How well each class, or each label, is found.

    Args:
        precision: Share of those taken for the class that are of it ``[classes]``.
        recall: Share of those of the class that were taken for it ``[classes]``.
        f1: Harmonic mean of the two ``[classes]``.
        support: Samples of the class ``[classes]``.
        occurs: Whether there are samples of the class, or samples taken for it ``[classes]``.
        micro_f1: The F1 over all samples and classes together.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    occurs: np.ndarray
    micro_f1: float

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that occur, as scikit-learn's `f1_score` with ``average="macro"``."""
        return float(self.f1[self.occurs].mean()) if self.occurs.any() else 0.0


def report_classes(labels: np.ndarray, predictions: np.ndarray, classes: int) -> ClassReport:
    """Return precision, recall, F1 and support of each class.

    Agrees with scikit-learn's `precision_recall_fscore_support` with ``zero_division=0``: a share of nothing is 0.

    Args:
        labels: True class numbers ``[n]``.
        predictions: Predicted class numbers ``[n]``.
        classes: How many there are.
    """
    hits = np.bincount(labels[labels == predictions], minlength=classes)
    support = np.bincount(labels, minlength=classes)
    taken = np.bincount(predictions, minlength=classes)
    return _report(hits, support, taken)


def report_labels(labels: np.ndarray, predictions: np.ndarray) -> ClassReport:
    """Return the same of each label.

    Args:
        labels: 1 where a sample has a label ``[n, labels]``.
        predictions: 1 where it is predicted ``[n, labels]``.
    """
    hits = ((labels > 0) & (predictions > 0)).sum(axis=0)
    return _report(hits, (labels > 0).sum(axis=0), (predictions > 0).sum(axis=0))


def _report(hits: np.ndarray, support: np.ndarray, taken: np.ndarray) -> ClassReport:
    return ClassReport(
        precision=hits / np.maximum(taken, 1),
        recall=hits / np.maximum(support, 1),
        f1=2 * hits / np.maximum(support + taken, 1),
        support=support,
        occurs=(support + taken) > 0,
        micro_f1=float(2 * hits.sum() / max(1, int(support.sum() + taken.sum()))),
    )
