"""What predictions are worth, counted: which classes are taken for which, and the most confident mistakes."""

from __future__ import annotations

import numpy as np


def count_confusions(labels: np.ndarray, guesses: np.ndarray, classes: int) -> np.ndarray:
    """Count sample pairs as ``[true class, guessed class]``, int64; agrees with scikit-learn's ``confusion_matrix``."""
    pairs = labels.astype(np.int64) * classes + guesses
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def finite_rows(probabilities: np.ndarray) -> np.ndarray:
    """Return which rows of ``[n, classes]`` are finite numbers throughout ``[n]``: others predict nothing."""
    finite: np.ndarray = np.isfinite(probabilities).all(axis=1)
    return finite


def shares_of_rows(counts: np.ndarray) -> np.ndarray:
    """Return each count as a share, from 0 to 1, of its row ``[true class, guessed class]``; an empty row is all 0."""
    totals = counts.sum(axis=1, keepdims=True)
    shares: np.ndarray = counts / np.maximum(totals, 1)
    return shares


def most_confident_mistakes(labels: np.ndarray, probabilities: np.ndarray, count: int) -> np.ndarray:
    """Return positions of wrong predictions ``[at most count]``, the most confident first; ties in order of position.

    Args:
        labels: True class numbers ``[n]``.
        probabilities: Predicted probabilities ``[n, classes]``; a row with NaN is no confident mistake but comes last.
        count: So many at most.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    confidence = np.nan_to_num(probabilities[wrong].max(axis=1), nan=-1.0)
    chosen: np.ndarray = wrong[np.argsort(-confidence, kind="stable")[:count]]
    return chosen
